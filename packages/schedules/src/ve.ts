import { check } from "@etalon/errors";
import { type Path, type Prediction, predictions } from "./Path.ts";

/** Options of the variance-exploding path. */
export interface VeOptions {
  sigmaMin?: number;
  sigmaMax?: number;
  prediction?: Exclude<Prediction, "v" | "velocity">;
}

/** The geometric VE path, α = 1, σ_t = σ_min (σ_max/σ_min)^t, t ∈ [0, 1]; Song et al., arXiv:2011.13456. Its end keeps σ_min of noise. @throws EtalonError OUT_OF_RANGE */
export function ve({ sigmaMin = 0.03, sigmaMax = 14.6, prediction = "epsilon" }: VeOptions = {}): Path {
  check.oneOf("prediction", prediction, predictions.slice(0, 2));
  check.range("sigmaMin", sigmaMin, { above: 0 });
  check.range("sigmaMax", sigmaMax, { above: sigmaMin });
  const span = Math.log(sigmaMax / sigmaMin);
  return {
    name: "ve",
    prediction,
    discrete: false,
    noiseTime: 1,
    dataTime: 0,
    at(t) {
      check.range("t", t, { min: 0, max: 1 });
      const log = Math.log(sigmaMin) + span * t;
      return { alpha: 1, sigma: Math.exp(log), logSnr: 0 - log };
    },
  };
}
