import { check } from "@etalon/errors";
import { type Path, type Prediction, predictions } from "./Path.ts";

/** Options of the continuous variance-preserving path. */
export interface VpOptions {
  betaMin?: number;
  betaMax?: number;
  prediction?: Prediction;
}

/** The continuous VP path, α_t = exp(−¼ t² (β₁ − β₀) − ½ t β₀), t ∈ [0, 1]; Song et al., arXiv:2011.13456. @throws EtalonError OUT_OF_RANGE */
export function vp({ betaMin = 0.1, betaMax = 20, prediction = "epsilon" }: VpOptions = {}): Path {
  check.oneOf("prediction", prediction, predictions);
  check.range("betaMin", betaMin, { min: 0 });
  check.range("betaMax", betaMax, { above: betaMin });
  return {
    name: "vp",
    prediction,
    discrete: false,
    noiseTime: 1,
    dataTime: 0,
    at(t) {
      check.range("t", t, { min: 0, max: 1 });
      const log = -0.25 * t * t * (betaMax - betaMin) - 0.5 * t * betaMin;
      const variance = 0 - Math.expm1(2 * log);
      return { alpha: Math.exp(log), sigma: Math.sqrt(variance), logSnr: log - 0.5 * Math.log(variance) };
    },
  };
}
