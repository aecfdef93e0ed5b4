import type { TrainConfig } from "./TrainConfig.ts";

type EtaConfig = TrainConfig["sampler"]["eta"];

/**
 * The noise level of an epoch's training sampler: a number, or, for a schedule along the trajectory, one a step.
 * @param epoch  from 0    @param steps  of the trajectory: the first has `from`, the last but one `to`, for the last, to the data, draws no noise
 */
export function etaAt(eta: EtaConfig, epoch: number, steps: number): number | number[] {
  if (typeof eta === "number") return eta;
  if (eta.along === "trajectory")
    return Array.from({ length: steps }, (_, i) => between(eta, Math.min(1, i / Math.max(1, steps - 2))));
  return between(eta, Math.min(1, epoch / Math.max(1, (eta.epochs ?? 1) - 1)));
}

/** One number for it, as a measurement needs: of a schedule along the trajectory the root of the mean of η², since that is what ρ = exp(−∫ η² dλ) adds up. */
export function nominalEta(eta: EtaConfig, epoch: number, steps: number): number {
  const levels = etaAt(eta, epoch, steps);
  if (typeof levels === "number") return levels;
  const drawn = levels.slice(0, Math.max(1, steps - 1));
  return Math.sqrt(drawn.reduce((sum, level) => sum + level * level, 0) / drawn.length);
}

function between({ from, to, shape }: Exclude<EtaConfig, number>, progress: number): number {
  const share = shape === "linear" ? progress : (1 - Math.cos(Math.PI * progress)) / 2;
  return from + (to - from) * share;
}
