import { check } from "@etalon/errors";
import { type Path, type Prediction, predictions } from "./Path.ts";
import { variancePreserving, variancePreservingSlope } from "./variancePreserving.ts";

/** Options of the continuous variance-preserving path. */
export interface VpOptions {
  /** β at time 0, ≥ 0. Default 0.1. */
  betaMin?: number;
  /** β at time 1, > 0 and ≥ betaMin. Default 20. */
  betaMax?: number;
  /** Default "epsilon". */
  prediction?: Prediction;
}

/**
 * The variance-preserving path in continuous time, t in [0, 1]: α = exp(−¼t²(β₁ − β₀) − ½tβ₀), σ = √(1 − α²).   docs/math.md §1; Song et al., arXiv:2011.13456
 * At t = 0 it is the data: σ = 0 and log-SNR = +∞.
 */
export function vp(options: VpOptions = {}): Path {
  const { prediction, logAlphaBar, beta } = betaLine(options);
  return {
    name: "vp",
    prediction,
    discrete: false,
    noiseTime: 1,
    dataTime: 0,
    at: (t) => variancePreserving(logAlphaBar(t)),
    slope: (t) => variancePreservingSlope(logAlphaBar(t), beta(t)),
    initialStd: () => 1,
  };
}

/** log ᾱ(t) = −∫β and β(t) of the β that rises in a line from betaMin to betaMax. @throws EtalonError OUT_OF_RANGE: an option, a time outside [0, 1] */
export function betaLine({ betaMin = 0.1, betaMax = 20, prediction = "epsilon" }: VpOptions) {
  check.range("betaMin", betaMin, { min: 0 });
  check.range("betaMax", betaMax, { above: 0, min: betaMin });
  check.oneOf("prediction", prediction, predictions);
  const inside = (t: number) => check.range("t", t, { min: 0, max: 1 });
  return {
    prediction,
    beta: (t: number) => betaMin + inside(t) * (betaMax - betaMin),
    logAlphaBar: (t: number) => 0 - (inside(t) * t * (betaMax - betaMin)) / 2 - t * betaMin,
  };
}
