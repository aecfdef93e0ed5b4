import { EtalonError } from "@etalon/errors";
import { Config } from "../diffusion/Config.ts";
import { checkBlockTypes } from "../diffusion/checkBlockTypes.ts";

const downTypes = ["CrossAttnDownBlock2D", "DownBlock2D"] as const;
const upTypes = ["CrossAttnUpBlock2D", "UpBlock2D"] as const;

/** One level of a U-Net. */
export interface UNetLevel {
  channels: number;
  /** Residual layers on the way down; one more on the way up. */
  layers: number;
  heads: number;
  /** Whether there is attention at this level on the way down, and on the way up. */
  downAttention: boolean;
  upAttention: boolean;
  transformerLayers: number;
  /** Whether its first attention looks at the text too, not at the picture. */
  onlyCross: boolean;
  contextWidth: number;
}

/** A UNet2DConditionModel's config as the model needs it. */
export interface UNetConfig {
  inChannels: number;
  outChannels: number;
  sampleSize: [number, number] | undefined;
  levels: UNetLevel[];
  midScale: number;
  groups: number;
  epsilon: number;
  timeWidth: number;
  flipSinToCos: boolean;
  freqShift: number;
  scaleShift: boolean;
  linearProjection: boolean;
  centre: boolean;
  downPadding: 0 | 1;
  convIn: number;
  convOut: number;
  classes: number | undefined;
}

/** Options that this package does not have, with the values that mean "off". */
const unsupported = {
  act_fn: ["silu", "swish"],
  mid_block_type: ["UNetMidBlock2DCrossAttn"],
  dual_cross_attention: [false],
  num_attention_heads: [],
  class_embed_type: [],
  addition_embed_type: [],
  encoder_hid_dim: [],
  encoder_hid_dim_type: [],
  resnet_skip_time_act: [false],
  resnet_out_scale_factor: [1],
  time_embedding_type: ["positional"],
  time_embedding_act_fn: [],
  timestep_post_act: [],
  time_cond_proj_dim: [],
  class_embeddings_concat: [false],
  cross_attention_norm: [],
  attention_type: ["default"],
  mid_block_only_cross_attention: [null, false],
  dropout: [0],
  projection_class_embeddings_input_dim: [],
  addition_time_embed_dim: [],
  reverse_transformer_layers_per_block: [],
} as const;

/**
 * Checks and reads a config.json of diffusers' UNet2DConditionModel: every option of Stable Diffusion 1.x and 2.x.
 * @throws EtalonError BAD_CONFIG, OUT_OF_RANGE: a value that can't be; UNSUPPORTED: an option that this package does not have, by name and value
 */
export function unetConfig(fields: unknown): UNetConfig {
  const config = new Config("UNet2DConditionModel", fields);
  config.only(unsupported);
  config.ignore("upcast_attention", "addition_embed_type_num_heads"); // float32 throughout; read with addition_embed_type only
  const channels = config.counts("block_out_channels", [320, 640, 1280, 1280]);
  const n = channels.length;
  const down = config.texts("down_block_types", ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"], downTypes); // biome-ignore format: one thought
  const up = config.texts("up_block_types", ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"], upTypes); // biome-ignore format: one thought
  checkBlockTypes(n, { down_block_types: down, up_block_types: up });
  const layers = config.countEach("layers_per_block", 2, n);
  const heads = config.countEach("attention_head_dim", 8, n); // diffusers' name is wrong: it is the number of heads
  const transformers = config.countEach("transformer_layers_per_block", 1, n);
  const only = config.flagEach("only_cross_attention", false, n);
  const context = config.countEach("cross_attention_dim", 1280, n);
  const levels = channels.map((width, i) => ({
    channels: width,
    layers: layers[i],
    heads: heads[i],
    downAttention: down[i] === "CrossAttnDownBlock2D",
    upAttention: up[n - 1 - i] === "CrossAttnUpBlock2D",
    transformerLayers: transformers[i],
    onlyCross: only[i],
    contextWidth: context[i],
  }));
  const groups = config.count("norm_num_groups", 32);
  for (const [i, level] of levels.entries()) checkWidths(level, i, groups);
  const classes = config.has("num_class_embeds") ? config.count("num_class_embeds") : undefined;
  const made: UNetConfig = {
    inChannels: config.count("in_channels", 4),
    outChannels: config.count("out_channels", 4),
    sampleSize: sizeOf(config),
    levels,
    midScale: config.number("mid_block_scale_factor", 1, { above: 0 }),
    groups,
    epsilon: config.number("norm_eps", 1e-5, { above: 0 }),
    timeWidth: config.has("time_embedding_dim") ? config.count("time_embedding_dim") : 4 * channels[0],
    flipSinToCos: config.flag("flip_sin_to_cos", true),
    freqShift: config.number("freq_shift", 0),
    scaleShift: config.text("resnet_time_scale_shift", "default", ["default", "scale_shift"]) === "scale_shift",
    linearProjection: config.flag("use_linear_projection", false),
    centre: config.flag("center_input_sample", false),
    downPadding: config.number("downsample_padding", 1, { min: 0, max: 1, integer: true }) as 0 | 1,
    convIn: oddCount(config, "conv_in_kernel"),
    convOut: oddCount(config, "conv_out_kernel"),
    classes,
  };
  config.end();
  return made;
}

function sizeOf(config: Config): [number, number] | undefined {
  if (!config.has("sample_size")) return undefined;
  const [height, width = height] = config.countOrPair("sample_size");
  return [height, width];
}

function oddCount(config: Config, name: string): number {
  const kernel = config.count(name, 3);
  if (kernel % 2 === 1) return kernel;
  throw new EtalonError("BAD_CONFIG", { argument: name, value: kernel, allowed: "an odd number" });
}

function checkWidths({ channels, heads, downAttention, upAttention }: UNetLevel, i: number, groups: number): void {
  const argument = `block_out_channels[${i}]`;
  if (channels % groups !== 0) throw new EtalonError("BAD_CONFIG", { argument, value: channels, allowed: `a multiple of norm_num_groups, ${groups}` }); // biome-ignore format: one thought
  if ((downAttention || upAttention) && channels % heads !== 0) throw new EtalonError("BAD_CONFIG", { argument, value: channels, allowed: `a multiple of attention_head_dim (the number of heads), ${heads}` }); // biome-ignore format: one thought
}
