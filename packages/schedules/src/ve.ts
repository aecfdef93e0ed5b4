import { check } from "@etalon/errors";
import { type Path, type Prediction, predictions } from "./Path.ts";

/** Options of the variance-exploding path. */
export interface VeOptions {
  /** σ at time 0, > 0. Default 0.01. */
  sigmaMin?: number;
  /** σ at time 1, > sigmaMin. Default 50. */
  sigmaMax?: number;
  /** Default "epsilon". */
  prediction?: Prediction;
}

/**
 * The variance-exploding path, t in [0, 1]: α = 1, σ = σmin·(σmax/σmin)^t.   docs/math.md §1; Song et al., arXiv:2011.13456
 * It ends at σmin, not at the data: the last step of a plan over it is as stochastic as the others. A sampler starts from σ_t times unit noise.
 */
export function ve({ sigmaMin = 0.01, sigmaMax = 50, prediction = "epsilon" }: VeOptions = {}): Path {
  check.range("sigmaMin", sigmaMin, { above: 0 });
  check.range("sigmaMax", sigmaMax, { above: sigmaMin });
  check.oneOf("prediction", prediction, predictions);
  const [low, width] = [Math.log(sigmaMin), Math.log(sigmaMax / sigmaMin)];
  const sigma = (t: number) => Math.exp(low + width * check.range("t", t, { min: 0, max: 1 }));
  return {
    name: "ve",
    prediction,
    discrete: false,
    noiseTime: 1,
    dataTime: 0,
    at: (t) => ({ alpha: 1, sigma: sigma(t), logSnr: 0 - low - width * t }),
    initialStd: sigma,
  };
}
