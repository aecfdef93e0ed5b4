import { check, EtalonError } from "@etalon/errors";

/** The shape of a TinyClip. */
export interface TinyClipConfig {
  _class_name: "TinyClip";
  /** Width and height of the image in pixels; a multiple of patch_size. */
  image_size: number;
  patch_size: number;
  /** Width of the image tower. */
  hidden_size: number;
  num_layers: number;
  num_attention_heads: number;
  mlp_ratio: number;
  /** Width of the word embeddings, and of the text tower's hidden layer. */
  word_dim: number;
  text_hidden_size: number;
  vocab_size: number;
  /** Width of the space that both towers map to. */
  projection_dim: number;
}

/** The config of the scorer that comes with the package, but for its vocabulary's size. */
export const tinyClipDefault: Omit<TinyClipConfig, "vocab_size"> = {
  _class_name: "TinyClip",
  image_size: 32,
  patch_size: 8,
  hidden_size: 128,
  num_layers: 2,
  num_attention_heads: 4,
  mlp_ratio: 4,
  word_dim: 64,
  text_hidden_size: 192,
  projection_dim: 96,
};

/** Checks a config read from a file. @throws EtalonError BAD_FILE, OUT_OF_RANGE: names the key */
export function checkTinyClipConfig(config: Record<string, unknown>): TinyClipConfig {
  check.oneOf("config.json's _class_name", config._class_name, ["TinyClip"], "BAD_FILE");
  for (const key of [...Object.keys(tinyClipDefault), "vocab_size"]) {
    if (key !== "_class_name") check.count(`config.json's ${key}`, config[key]);
  }
  const checked = config as unknown as TinyClipConfig;
  const { image_size, patch_size, hidden_size, num_attention_heads } = checked;
  if (image_size % patch_size === 0 && hidden_size % num_attention_heads === 0) return checked;
  throw new EtalonError("BAD_FILE", {
    argument: "config.json",
    value: { image_size, patch_size, hidden_size, num_attention_heads },
    allowed: "an image_size that patch_size divides, and a hidden_size that num_attention_heads divides",
  });
}

/** A parameter's shape in the file ([outputs, inputs] for a matrix) and how it begins: a number is the standard deviation of a normal draw. */
export interface ParameterSpec {
  name: string;
  shape: number[];
  init: "xavier" | number;
}

/** Every parameter, in the order of the forward pass, under names like those of transformers' CLIPModel. */
export function parameterSpecs(config: TinyClipConfig): ParameterSpec[] {
  const { hidden_size: d, word_dim, text_hidden_size, projection_dim, patch_size, image_size } = config;
  const matrix = (name: string, inputs: number, outputs: number): ParameterSpec[] => [
    { name: `${name}.weight`, shape: [outputs, inputs], init: "xavier" },
    { name: `${name}.bias`, shape: [outputs], init: 0 },
  ];
  const layer = (i: number) => {
    const at = `vision_model.layers.${i}`;
    return [
      ...["q_proj", "k_proj", "v_proj", "out_proj"].flatMap((name) => matrix(`${at}.self_attn.${name}`, d, d)),
      ...matrix(`${at}.mlp.fc1`, d, d * config.mlp_ratio),
      ...matrix(`${at}.mlp.fc2`, d * config.mlp_ratio, d),
    ];
  };
  return [
    ...matrix("vision_model.patch_embedding", patch_size ** 2 * 3, d),
    { name: "vision_model.position_embedding.weight", shape: [(image_size / patch_size) ** 2, d], init: 0.1 },
    ...Array.from({ length: config.num_layers }, (_, i) => layer(i)).flat(),
    ...matrix("visual_projection", d, projection_dim),
    { name: "text_model.token_embedding.weight", shape: [config.vocab_size, word_dim], init: 0.3 },
    ...matrix("text_model.fc1", word_dim, text_hidden_size),
    ...matrix("text_projection", text_hidden_size, projection_dim),
    { name: "logit_scale", shape: [1], init: 0 },
  ];
}
