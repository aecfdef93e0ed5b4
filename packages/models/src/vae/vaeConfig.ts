import { EtalonError } from "@etalon/errors";
import { Config } from "../diffusion/Config.ts";
import { checkBlockTypes } from "../diffusion/checkBlockTypes.ts";

/** An AutoencoderKL's config as the model needs it. */
export interface VaeConfig {
  inChannels: number;
  outChannels: number;
  latentChannels: number;
  channels: number[];
  layers: number;
  groups: number;
  sampleSize: number;
  midAttention: boolean;
  quantConv: boolean;
  postQuantConv: boolean;
  /** What a pipeline multiplies latents by, and takes from them before: not part of encode and decode. */
  scalingFactor: number;
  shiftFactor: number;
}

/** Checks and reads a config.json of diffusers' AutoencoderKL. @throws EtalonError BAD_CONFIG, OUT_OF_RANGE, UNSUPPORTED: an option that this package does not have, by name and value */
export function vaeConfig(fields: unknown): VaeConfig {
  const config = new Config("AutoencoderKL", fields);
  config.only({ act_fn: ["silu", "swish"], latents_mean: [], latents_std: [] });
  config.ignore("force_upcast"); // float32 throughout
  const channels = config.counts("block_out_channels", [64]);
  const down = config.texts("down_block_types", ["DownEncoderBlock2D"], ["DownEncoderBlock2D"]);
  const up = config.texts("up_block_types", ["UpDecoderBlock2D"], ["UpDecoderBlock2D"]);
  checkBlockTypes(channels.length, { down_block_types: down, up_block_types: up });
  const groups = config.count("norm_num_groups", 32);
  const odd = channels.findIndex((width) => width % groups !== 0);
  if (odd >= 0) throw new EtalonError("BAD_CONFIG", { argument: `block_out_channels[${odd}]`, value: channels[odd], allowed: `a multiple of norm_num_groups, ${groups}` }); // biome-ignore format: one thought
  const made = {
    inChannels: config.count("in_channels", 3),
    outChannels: config.count("out_channels", 3),
    latentChannels: config.count("latent_channels", 4),
    channels,
    layers: config.count("layers_per_block", 1),
    groups,
    sampleSize: config.count("sample_size", 32),
    midAttention: config.flag("mid_block_add_attention", true),
    quantConv: config.flag("use_quant_conv", true),
    postQuantConv: config.flag("use_post_quant_conv", true),
    scalingFactor: config.number("scaling_factor", 0.18215, { above: 0 }),
    shiftFactor: config.has("shift_factor") ? config.number("shift_factor", 0) : 0,
  };
  config.end();
  return made;
}
