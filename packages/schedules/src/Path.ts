import type { GridOptions } from "./GridOptions.ts";

/**
 * What a model gives for a state x = α·x0 + σ·ε: the noise ε, the data x0, v = α·ε − σ·x0, or velocity = ε − x0.
 * docs/math.md §1.
 */
export type Prediction = "epsilon" | "sample" | "v" | "velocity";

/** Every prediction type, for argument checks and help texts. */
export const predictions = ["epsilon", "sample", "v", "velocity"] as const satisfies readonly Prediction[];

/** A path at one time, in float64. */
export interface PathPoint {
  /** The factor of the data, in [0, 1]. */
  readonly alpha: number;
  /** The factor of the noise, ≥ 0. */
  readonly sigma: number;
  /** log(alpha / sigma): +∞ where sigma is 0, −∞ where alpha is 0. */
  readonly logSnr: number;
}

/** How a network is wrapped so that its output means the path's prediction: o = skip·x + out·network(in·x, time).   docs/math.md §1; EDM, arXiv:2206.00364, eq. 7 */
export interface Preconditioning {
  /** Factor of the state on its way into the network. */
  readonly in: number;
  /** The time that the network is given. */
  readonly time: number;
  readonly skip: number;
  readonly out: number;
}

/** A Gaussian forward process x_t = α_t·x0 + σ_t·ε, ε ~ N(0, I), and what its model predicts. Time falls from noise to data. */
export interface Path {
  readonly name: string;
  readonly prediction: Prediction;
  /** True where a time is a training timestep, a whole number (any number between them if `interpolates`); the time −1 is then the end of the path. */
  readonly discrete: boolean;
  /** The noisiest time a grid starts from by default: 999 for Stable Diffusion v1.5, 1 (or the option) for flow. */
  readonly noiseTime: number;
  /** The last time of a grid: −1 for discrete paths, 0 for the others. */
  readonly dataTime: number;
  /** True for a discrete path that has times between training timesteps. */
  readonly interpolates?: boolean;
  /** What `timeGrid` takes where its caller says nothing. */
  readonly grid?: Readonly<GridOptions>;
  /** α, σ and log-SNR at a time. @throws EtalonError OUT_OF_RANGE: a time that is not on the path */
  at(t: number): PathPoint;
  /** Time derivatives of α, σ and log-SNR; per training timestep on a discrete path (the difference to the timestep before). Infinite at ends where they are. */
  slope?(t: number): PathPoint;
  /** How the network is wrapped; absent where it gets state and time as they are. */
  precondition?(t: number): Preconditioning;
  /** Standard deviation of the noise a sampler starts from at time t: 1 for VP and flow (as everybody does), σ_t for VE. */
  initialStd(t: number): number;
}
