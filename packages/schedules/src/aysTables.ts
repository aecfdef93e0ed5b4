/**
 * The noise levels σ/α of Align Your Steps (Sabour, Fidler, Kreis, arXiv:2404.14507) for ten steps, as the authors publish them, without the 0 at the end,
 * and for the two Stable Diffusion models the training timesteps as well.
 */
export const aysTables = {
  sd15: {
    sigmas: [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152],
    timesteps: [999, 850, 736, 645, 545, 455, 343, 233, 124, 24],
  },
  sdxl: {
    sigmas: [14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.38, 0.234, 0.113],
    timesteps: [999, 845, 730, 587, 443, 310, 193, 116, 53, 13],
  },
  svd: { sigmas: [700, 54.5, 15.886, 7.977, 4.248, 1.789, 0.981, 0.403, 0.173, 0.034], timesteps: undefined },
} as const;

/** A table's name: Stable Diffusion 1.5, SDXL, Stable Video Diffusion. */
export type AysTable = keyof typeof aysTables;
