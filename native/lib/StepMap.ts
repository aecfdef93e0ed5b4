/** One step of a sampler as an affine map of state and model output: mean = a·x + b·o, sample = mean + std·z. float64.   docs/math.md §2 */
export interface StepMap {
  a: number;
  b: number;
  /** ≥ 0; 0: no noise, no log-probability. */
  std: number;
}
