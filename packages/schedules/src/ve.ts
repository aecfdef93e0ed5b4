import { check } from "@etalon/errors";
import { type Path, type Prediction, predictions } from "./Path.ts";

/** Options of the variance-exploding path. */
export interface VeOptions {
  /** σ at time 0, > 0. Default 0.01. */
  sigmaMin?: number;
  /** σ at time 1, > sigmaMin. Default 50. */
  sigmaMax?: number;
  /** How σ runs between them: "geometric" (default), log σ in a line, or "karras", σ^(1/ρ) in a line. */
  schedule?: "geometric" | "karras";
  /** ρ of "karras", > 0. Default 7. */
  rho?: number;
  /** Default "epsilon". */
  prediction?: Prediction;
}

/**
 * The variance-exploding path, t in [0, 1]: α = 1, σ = σmin·(σmax/σmin)^t, or Karras' (σmin^(1/ρ) + t (σmax^(1/ρ) − σmin^(1/ρ)))^ρ.
 * docs/math.md §1; Song et al., arXiv:2011.13456; Karras et al., arXiv:2206.00364, eq. 5
 * It ends at σmin, not at the data: the last step of a plan over it is as stochastic as the others. A sampler starts from σ_t times unit noise.
 */
export function ve(options: VeOptions = {}): Path {
  const { sigmaMin = 0.01, sigmaMax = 50, schedule = "geometric", rho = 7, prediction = "epsilon" } = options;
  check.range("sigmaMin", sigmaMin, { above: 0 });
  check.range("sigmaMax", sigmaMax, { above: sigmaMin });
  check.oneOf("schedule", schedule, ["geometric", "karras"]);
  check.range("rho", rho, { above: 0 });
  check.oneOf("prediction", prediction, predictions);
  const inside = (t: number) => check.range("t", t, { min: 0, max: 1 });
  const [low, width] = [Math.log(sigmaMin), Math.log(sigmaMax / sigmaMin)];
  const [root, rise] = [sigmaMin ** (1 / rho), sigmaMax ** (1 / rho) - sigmaMin ** (1 / rho)];
  const geometric = schedule === "geometric";
  const logSigma = (t: number) => (geometric ? low + width * inside(t) : rho * Math.log(root + rise * inside(t)));
  const rate = (t: number) => (geometric ? width : (rho * rise) / (root + rise * inside(t))); // d log σ/dt
  return {
    name: "ve",
    prediction,
    discrete: false,
    noiseTime: 1,
    dataTime: 0,
    at: (t) => ({ alpha: 1, sigma: Math.exp(logSigma(t)), logSnr: 0 - logSigma(t) }),
    slope: (t) => ({ alpha: 0, sigma: Math.exp(logSigma(t)) * rate(t), logSnr: -rate(t) }),
    initialStd: (t) => Math.exp(logSigma(t)),
  };
}
