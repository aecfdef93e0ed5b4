// The U-Nets that sd15.mjs times: the tiny one of the tests, a middle one of SD v1.5's widths at its upper two levels, and SD v1.5's own.
const unet = (channels, more) => ({
  _class_name: "UNet2DConditionModel",
  act_fn: "silu",
  attention_head_dim: 8,
  block_out_channels: channels,
  cross_attention_dim: 768,
  down_block_types: channels.map((_, i) => (i === channels.length - 1 ? "DownBlock2D" : "CrossAttnDownBlock2D")),
  up_block_types: channels.map((_, i) => (i === 0 ? "UpBlock2D" : "CrossAttnUpBlock2D")),
  layers_per_block: 2,
  norm_num_groups: 32,
  norm_eps: 1e-5,
  in_channels: 4,
  out_channels: 4,
  ...more,
});

export const configs = {
  tiny: { size: 16, config: unet([8, 8, 16, 16], { attention_head_dim: 2, norm_num_groups: 4, cross_attention_dim: 16, sample_size: 16 }) }, // biome-ignore format: one thought
  mid: { size: 32, config: unet([320, 640], { sample_size: 32 }) },
  sd15: { size: 64, config: unet([320, 640, 1280, 1280], { sample_size: 64 }) },
};
