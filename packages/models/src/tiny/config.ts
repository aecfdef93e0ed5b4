import { check, EtalonError } from "@etalon/errors";

/** The shape of a TinyTransformer2DModel; keys as diffusers' FluxTransformer2DModel has them where it has them. */
export interface TinyConfig {
  _class_name: "TinyTransformer2DModel";
  /** Width and height of the image in pixels; a multiple of patch_size. */
  sample_size: number;
  in_channels: number;
  patch_size: number;
  /** Double-stream blocks. */
  num_layers: number;
  /** Single-stream blocks. */
  num_single_layers: number;
  num_attention_heads: number;
  attention_head_dim: number;
  mlp_ratio: number;
  /** Width of the word embeddings. */
  word_dim: number;
  vocab_size: number;
  max_words: number;
  /** Width of the sinusoidal time embedding; even. */
  time_dim: number;
}

/** The config of the embedded default, but for its vocabulary's size. */
export const tinyDefault: Omit<TinyConfig, "vocab_size"> = {
  _class_name: "TinyTransformer2DModel",
  sample_size: 32,
  in_channels: 3,
  patch_size: 8,
  num_layers: 1,
  num_single_layers: 3,
  num_attention_heads: 6,
  attention_head_dim: 32,
  mlp_ratio: 4,
  word_dim: 48,
  max_words: 12,
  time_dim: 128,
};

/** Checks a config read from a file. @throws EtalonError OUT_OF_RANGE, BAD_FILE: names the key */
export function checkTinyConfig(config: Record<string, unknown>): TinyConfig {
  for (const key of Object.keys(tinyDefault).concat("vocab_size")) {
    if (key === "_class_name") check.oneOf(key, config[key], ["TinyTransformer2DModel"], "BAD_FILE");
    else check.count(`config.json's ${key}`, config[key]);
  }
  const { sample_size, patch_size, time_dim } = config as unknown as TinyConfig;
  if (sample_size % patch_size !== 0 || time_dim % 2 !== 0) {
    throw new EtalonError("BAD_FILE", {
      argument: "config.json",
      value: { sample_size, patch_size, time_dim },
      allowed: "a sample_size that patch_size divides, and an even time_dim",
    });
  }
  return config as unknown as TinyConfig;
}

/** A parameter's place in the file: shape as torch has it ([outputs, inputs] for a matrix) and how it begins. */
export interface ParameterSpec {
  name: string;
  shape: number[];
  init: "xavier" | "zero" | number; // a number is the standard deviation of a normal draw
}

/** Every parameter of the model, in the order of the forward pass, under the names of diffusers' FLUX. */
export function parameterSpecs(config: TinyConfig): ParameterSpec[] {
  const d = config.num_attention_heads * config.attention_head_dim;
  const mlp = d * config.mlp_ratio;
  const patch = config.patch_size ** 2 * config.in_channels;
  const tokens = (config.sample_size / config.patch_size) ** 2;
  const matrix = (
    name: string,
    inputs: number,
    outputs: number,
    init: ParameterSpec["init"] = "xavier",
  ): ParameterSpec[] => [
    { name: `${name}.weight`, shape: [outputs, inputs], init },
    { name: `${name}.bias`, shape: [outputs], init: "zero" },
  ];
  const table = (name: string, rows: number, columns: number, std: number): ParameterSpec[] => [
    { name: `${name}.weight`, shape: [rows, columns], init: std },
  ];
  const double = (i: number) => {
    const at = `transformer_blocks.${i}`;
    return [
      ...matrix(`${at}.norm1.linear`, d, 6 * d, "zero"),
      ...matrix(`${at}.norm1_context.linear`, d, 6 * d, "zero"),
      ...["to_q", "to_k", "to_v", "add_q_proj", "add_k_proj", "add_v_proj", "to_out.0", "to_add_out"].flatMap((n) =>
        matrix(`${at}.attn.${n}`, d, d),
      ),
      ...["ff", "ff_context"].flatMap((n) => [
        ...matrix(`${at}.${n}.net.0.proj`, d, mlp),
        ...matrix(`${at}.${n}.net.2`, mlp, d),
      ]),
    ];
  };
  const single = (i: number) => {
    const at = `single_transformer_blocks.${i}`;
    return [
      ...matrix(`${at}.norm.linear`, d, 3 * d, "zero"),
      ...["to_q", "to_k", "to_v"].flatMap((n) => matrix(`${at}.attn.${n}`, d, d)),
      ...matrix(`${at}.proj_mlp`, d, mlp),
      ...matrix(`${at}.proj_out`, d + mlp, d),
    ];
  };
  const range = (n: number) => Array.from({ length: n }, (_, i) => i);
  return [
    ...table("word_embedder", config.vocab_size, config.word_dim, 0.3),
    ...matrix("context_embedder", config.word_dim, d),
    ...table("context_pos_embed", config.max_words, d, 0.1),
    ...matrix("x_embedder", patch, d),
    ...table("pos_embed", tokens, d, 0.1),
    ...matrix("time_text_embed.timestep_embedder.linear_1", config.time_dim, d),
    ...matrix("time_text_embed.timestep_embedder.linear_2", d, d),
    ...matrix("time_text_embed.text_embedder.linear_1", config.word_dim, d),
    ...matrix("time_text_embed.text_embedder.linear_2", d, d),
    ...range(config.num_layers).flatMap(double),
    ...range(config.num_single_layers).flatMap(single),
    ...matrix("norm_out.linear", d, 2 * d, "zero"),
    ...matrix("proj_out", d, patch, "zero"),
  ];
}
