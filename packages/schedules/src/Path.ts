/** What a model's output is; docs/math.md §1. */
export type Prediction = "epsilon" | "sample" | "v" | "velocity";

/** A point of a path. */
export interface PathPoint {
  /** What multiplies the data, ≥ 0. */
  alpha: number;
  /** What multiplies the noise, ≥ 0. */
  sigma: number;
  /** log(alpha / sigma): −∞ where alpha is 0, +∞ where sigma is 0. */
  logSnr: number;
}

/** A Gaussian path x_t = α_t x_0 + σ_t ε; docs/math.md §1. All float64. */
export interface Path {
  readonly name: string;
  readonly prediction: Prediction;
  /** Whether times are whole training timesteps. */
  readonly discrete: boolean;
  /** Where a grid starts unless told otherwise, and where it ends. */
  readonly noiseTime: number;
  readonly dataTime: number;
  /** α, σ and log-SNR at a time. @throws EtalonError OUT_OF_RANGE: outside the path's times, or no whole number on a discrete path */
  at(t: number): PathPoint;
}

/** The names of predictions. */
export const predictions = ["epsilon", "sample", "v", "velocity"] as const satisfies readonly Prediction[];
