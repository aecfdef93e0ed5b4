/** Names that diffusers and transformers give weights, without their endings. */
const stems = { safetensors: ["diffusion_pytorch_model", "model"], bin: ["diffusion_pytorch_model", "pytorch_model"] } as const; // biome-ignore format: one thought

/**
 * The one file of weights in a folder that is read, or the index of its parts: safetensors before torch's .bin; the variant asked for, then full precision, fp16, bf16, any other.
 * @param names  of the folder's files    @returns undefined: there is none
 */
export function chooseWeights(names: readonly string[], variant?: string): string | undefined {
  for (const kind of ["safetensors", "bin"] as const) {
    const found = names.flatMap((name) => {
      const parsed = parse(name, kind);
      return parsed === undefined ? [] : [{ name, ...parsed }];
    });
    const order = [variant ?? "", "", "fp16", "bf16"];
    const rank = (each: string) => (order.includes(each) ? order.indexOf(each) : order.length);
    found.sort((a, b) => rank(a.variant) - rank(b.variant) || a.stem - b.stem || Number(a.index) - Number(b.index) || (a.name < b.name ? -1 : 1)); // biome-ignore format: one thought
    if (found.length > 0) return found[0].name;
  }
  return undefined;
}

/** stem[.variant].ending, or its index in either of the spellings there are. A part of several is none of them. */
function parse(name: string, kind: keyof typeof stems): { stem: number; variant: string; index: boolean } | undefined {
  for (const [stem, start] of stems[kind].entries()) {
    const found = new RegExp(`^${start}(?:\\.([a-z]\\w*))?\\.${kind}(\\.index(?:\\.(\\w+))?\\.json)?$`).exec(name);
    if (found) return { stem, variant: found[1] ?? found[3] ?? "", index: found[2] !== undefined };
  }
  return undefined;
}
