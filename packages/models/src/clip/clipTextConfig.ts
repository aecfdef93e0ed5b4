import { EtalonError } from "@etalon/errors";
import { Config } from "../diffusion/Config.ts";

/** A CLIP text encoder's config as the model needs it. */
export interface ClipTextConfig {
  vocabulary: number;
  width: number;
  inner: number;
  layers: number;
  heads: number;
  positions: number;
  activation: "quick_gelu" | "gelu";
  epsilon: number;
  eos: number;
}

/** What transformers writes into every config, and what only other uses read. */
const notes = ["architectures", "model_type", "torch_dtype", "dtype", "transformers_version", "attention_dropout", "dropout", "initializer_factor", "initializer_range", "pad_token_id", "bos_token_id", "projection_dim", "return_dict", "output_hidden_states", "output_attentions", "use_cache", "name_or_path"]; // biome-ignore format: a list

/** Checks and reads a config.json of transformers' CLIPTextModel. @throws EtalonError BAD_CONFIG, OUT_OF_RANGE, UNSUPPORTED: an option that this package does not have, by name and value */
export function clipTextConfig(fields: unknown): ClipTextConfig {
  const config = new Config("CLIPTextModel", fields);
  config.ignore(...notes);
  const made = {
    vocabulary: config.count("vocab_size", 49408),
    width: config.count("hidden_size", 512),
    inner: config.count("intermediate_size", 2048),
    layers: config.count("num_hidden_layers", 12),
    heads: config.count("num_attention_heads", 8),
    positions: config.count("max_position_embeddings", 77),
    activation: config.text("hidden_act", "quick_gelu", ["quick_gelu", "gelu"]),
    epsilon: config.number("layer_norm_eps", 1e-5, { above: 0 }),
    eos: config.number("eos_token_id", 49407, { min: 0, integer: true }),
  };
  config.end();
  if (made.width % made.heads === 0) return made;
  throw new EtalonError("BAD_CONFIG", { argument: "hidden_size of CLIPTextModel", value: made.width, allowed: `a multiple of num_attention_heads, ${made.heads}` }); // biome-ignore format: one thought
}
