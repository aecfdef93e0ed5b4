/** One sampler step as an affine map of state and model output: mean = a·x + b·o, sample = mean + std·z, z ~ N(0, I). Float64; std ≥ 0, and 0 means no noise. */
export interface StepMap {
  a: number;
  b: number;
  std: number;
}
