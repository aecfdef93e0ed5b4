import { check } from "@etalon/errors";
import { type Path, type Prediction, predictions } from "./Path.ts";
import { variancePreserving } from "./variancePreserving.ts";

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
export function vp({ betaMin = 0.1, betaMax = 20, prediction = "epsilon" }: VpOptions = {}): Path {
  check.range("betaMin", betaMin, { min: 0 });
  check.range("betaMax", betaMax, { above: 0, min: betaMin });
  check.oneOf("prediction", prediction, predictions);
  return {
    name: "vp",
    prediction,
    discrete: false,
    noiseTime: 1,
    dataTime: 0,
    at(t) {
      check.range("t", t, { min: 0, max: 1 });
      return variancePreserving(0 - (t * t * (betaMax - betaMin)) / 2 - t * betaMin);
    },
    initialStd: () => 1,
  };
}
