import { check } from "@etalon/errors";
import { dimOf } from "./dimOf.ts";

/** How peers' code counts the log-probability of a step. */
export const logProbConventions = ["mean", "dance-grpo", "flow-cps"] as const;
export type LogProbConvention = (typeof logProbConventions)[number];

/** A step that was taken: float32 [samples, dim] flat, `mean` the step's mean, `std` its noise. */
export interface PeerLogProbOptions {
  next: ArrayLike<number>;
  mean: ArrayLike<number>;
  std: number;
  /** Elements of one sample. */
  dim: number;
}

/**
 * log p of a step as published code counts it, for comparison with it; `sample` and @etalon/native give the true density, summed.   docs/math.md §3
 * - "mean": the true density, averaged over elements: ddpo-pytorch, TRL, Flow-GRPO, MixGRPO.
 * - "dance-grpo": −½((next − mean)/std)² alone: a stray line break in DanceGRPO's and MixGRPO's `dance_grpo_step` leaves −log std − ½ log 2π out. Ratios are right.
 * - "flow-cps": −(next − mean)², without std: Flow-CPS. Ratios of it are not those of the density.
 * @returns one number a sample, float64
 */
export function peerLogProb(convention: LogProbConvention, { next, mean, std, dim }: PeerLogProbOptions): Float64Array {
  check.oneOf("convention", convention, logProbConventions);
  check.range("std", std, { above: 0 }, "A step without noise has no density.");
  const batch = dimOf(next, dim);
  check.length("mean", mean, next.length);
  return Float64Array.from({ length: batch }, (_, i) => {
    let squares = 0;
    for (let k = i * dim; k < (i + 1) * dim; k++) squares += (next[k] - mean[k]) ** 2;
    if (convention === "flow-cps") return -squares / dim;
    const bare = -squares / (2 * std * std) / dim;
    return convention === "dance-grpo" ? bare : bare - Math.log(std) - Math.log(2 * Math.PI) / 2;
  });
}
