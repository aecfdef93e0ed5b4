/** Names that diffusers and transformers give weights, without their endings. */
const stems = { safetensors: ["diffusion_pytorch_model", "model"], bin: ["diffusion_pytorch_model", "pytorch_model"] } as const; // biome-ignore format: one thought

/**
 * The one file of weights in a folder that is read, or the index of its parts: the variant asked for, then full precision, fp16, bf16, any other; of one precision safetensors before torch's
 * .bin.
 * @param names  of the folder's files    @returns undefined: there is none
 */
export function chooseWeights(names: readonly string[], variant?: string): string | undefined {
  const order = [variant ?? "", "", "fp16", "bf16"];
  const rank = (each: string) => (order.includes(each) ? order.indexOf(each) : order.length);
  const found = (["safetensors", "bin"] as const).flatMap((kind) =>
    names.flatMap((name) => {
      const parsed = parse(name, kind);
      return parsed === undefined ? [] : [{ name, ...parsed, kind: kind === "bin" ? 1 : 0 }];
    }),
  );
  found.sort((a, b) => rank(a.variant) - rank(b.variant) || a.kind - b.kind || a.stem - b.stem || Number(a.index) - Number(b.index) || (a.name < b.name ? -1 : 1)); // biome-ignore format: one thought
  return found[0]?.name;
}

/** stem[.variant].ending, or its index in either of the spellings there are. A part of several is none of them. */
function parse(name: string, kind: keyof typeof stems): { stem: number; variant: string; index: boolean } | undefined {
  for (const [stem, start] of stems[kind].entries()) {
    const found = new RegExp(`^${start}(?:\\.([a-z]\\w*))?\\.${kind}(\\.index(?:\\.(\\w+))?\\.json)?$`).exec(name);
    if (found) return { stem, variant: found[1] ?? found[3] ?? "", index: found[2] !== undefined };
  }
  return undefined;
}
