import type { AysTable } from "./aysTables.ts";
import type { DynamicShift } from "./shiftTime.ts";

/** Spacings that lay times directly. */
export const plainSpacings = ["leading", "trailing", "linspace", "uniform"] as const;
export type PlainSpacing = (typeof plainSpacings)[number];

/** Spacings that lay noise levels between two ends, and find the times. */
export const noiseSpacings = ["karras", "exponential", "beta"] as const;
export type NoiseSpacing = (typeof noiseSpacings)[number];

/** How a grid lies on its path. */
export interface GridOptions {
  /**
   * Discrete paths, with the names of diffusers: "leading" (default), "trailing", "linspace".
   * Others: "uniform" (default), or "linspace" to the smallest training time (`lastTime`) and then the data, as diffusers' FlowMatchEuler spaces by itself.
   * All: "karras" (σ^(1/ρ) in even steps), "exponential" (log σ in even steps, which is uniform log-SNR), "beta" (quantiles of the Beta(0.6, 0.6) law of σ) and
   * "ays" (the tables of Align Your Steps), where σ stands for σ/α, on flow for σ itself.
   */
  spacing?: PlainSpacing | NoiseSpacing | "ays";
  /** Between whose first and last time "karras", "exponential" and "beta" lie. Default: the ends of the path. */
  ends?: PlainSpacing;
  /** The noise levels between which they lie, in place of `ends`. */
  sigmaMax?: number;
  sigmaMin?: number;
  /** ρ of "karras". Default 7. */
  rho?: number;
  /** Table of "ays". Default "sd15". */
  table?: AysTable;
  /** What "leading" adds to each timestep. Default 1, as Stable Diffusion has it. */
  stepsOffset?: number;
  /** Discrete paths: lay n + 1 points by "leading" or "linspace" and leave out the one nearest the data, as diffusers' DPM-Solver, DEIS and UniPC do. */
  skipLast?: boolean;
  /** Time shift of a flow path, > 0. Default 1. */
  shift?: number;
  /** Number of image tokens, for FLUX's dynamic shift instead of a `shift`. */
  fluxTokens?: number;
  /** The line of the dynamic shift, where it is not FLUX's. */
  dynamicShift?: DynamicShift;
  /** Flow: stretch the grid so that its last time before the data is this one, in (0, 1). LTX-Video takes 0.1, Qwen-Image 0.02. */
  shiftTerminal?: number;
  /** The smallest training time of a continuous path, where "linspace", "karras", … end before the data. Default 1/1000. */
  lastTime?: number;
  /** The first time. Default: the path's noiseTime. "leading" and "trailing" spread their steps below it. */
  start?: number;
}
