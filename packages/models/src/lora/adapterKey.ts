/** What a key of an adapter's file says. */
export interface AdapterKey {
  /** The layer as the file spells it; underscores in place of dots where `flat`. */
  layer: string;
  half: "A" | "B" | "alpha";
  /** Whether dots were written as underscores, as kohya's scripts do. */
  flat: boolean;
}

/** The names that kohya's scripts give the parts of a pipeline. */
export const kohyaPrefixes: Readonly<Record<string, string>> = {
  unet: "lora_unet_",
  text_encoder: "lora_te_",
  transformer: "lora_transformer_",
};

const parts = ["unet", "text_encoder", "text_encoder_2", "transformer"];
const peftPrefix = "base_model.model.";

const endings: [RegExp, AdapterKey["half"]][] = [
  [/\.(lora_A(\.default)?|lora\.down|lora_down|lora_linear_layer\.down)\.weight$/, "A"],
  [/\.(lora_B(\.default)?|lora\.up|lora_up|lora_linear_layer\.up)\.weight$/, "B"],
  [/\.alpha$/, "alpha"],
];

/**
 * Reads a key in any of the spellings there are: diffusers' (`unet.….lora_A.weight`, older `.lora.down.weight`, oldest `.processor.to_q_lora.down.weight`), PEFT's
 * (`base_model.model.…`), kohya's and ComfyUI's (`lora_unet_….lora_down.weight`, `.alpha`).
 * @returns undefined: no adapter's key; 'other': one of another part of the pipeline
 */
export function adapterKey(key: string, part: string): AdapterKey | "other" | undefined {
  const modern = key.replace(/\.processor\.to_(q|k|v|out)_lora\.(down|up)\.weight$/, (_, name: string, half: string) =>
    `.to_${name === "out" ? "out.0" : name}.lora.${half}.weight`); // biome-ignore format: one thought
  const ending = endings.find(([pattern]) => pattern.test(modern));
  if (ending === undefined) return undefined;
  const name = modern.replace(ending[0], "");
  const half = ending[1];
  for (const [owner, prefix] of Object.entries(kohyaPrefixes)) {
    if (name.startsWith(prefix)) return owner === part ? { layer: name.slice(prefix.length), half, flat: true } : "other";
  } // biome-ignore format: one thought
  const owner = parts.find((candidate) => name.startsWith(`${candidate}.`));
  if (owner !== undefined) return owner === part ? { layer: name.slice(part.length + 1), half, flat: false } : "other";
  if (name.startsWith(peftPrefix)) return { layer: name.slice(peftPrefix.length), half, flat: false };
  return part === "unet" && /^(down_blocks|mid_block|up_blocks)\./.test(name) ? { layer: name, half, flat: false } : undefined; // biome-ignore format: one thought
}
