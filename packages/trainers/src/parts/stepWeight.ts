import type { StepMap } from "@etalon/gddim";

/** The two weights that a step's loss may have; both 0: every step counts alike. */
export interface StepWeights {
  /** c of c·std/|b|: takes the 1/noise growth out of the gradient of the density ratio.   docs/math.md §4 */
  noiseLevelWeight: number;
  /** c of c/|b|: the same for the normalised ratio, whose gradient is z·b.   GRPO-Guard, arXiv:2510.22319 */
  gradientWeight?: number;
}

/**
 * What a step's loss, KL included, is weighted by.
 * At ratio 1 the density ratio weighted by c·std/|b| and the normalised ratio weighted by c/|b| have one gradient, ∓A·c·z: they differ in what is clipped.
 */
export function stepWeight({ std, b }: StepMap, { noiseLevelWeight, gradientWeight = 0 }: StepWeights): number {
  if (noiseLevelWeight > 0) return (noiseLevelWeight * std) / Math.abs(b);
  return gradientWeight > 0 ? gradientWeight / Math.abs(b) : 1;
}
