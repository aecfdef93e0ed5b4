import { EtalonError } from "@etalon/errors";
import type { PathPoint, Prediction } from "./Path.ts";

/** A value that is linear in the state x and the model output o: x·(state) + o·(output). */
export interface Linear {
  readonly x: number;
  readonly o: number;
}

/**
 * The data x̂0 and the noise ε̂ that a model output means, as linear forms in (x, o). The one place that knows prediction types.
 * docs/math.md §1; v and velocity are solved for any (α, σ), so they may be used on paths other than VP and flow as well.
 * @param at  where the state is on its path
 * @returns float64 coefficients. Where a form does not exist its coefficients are NaN: x̂0 of an ε-prediction at α = 0, ε̂ of an x0-prediction at σ = 0;
 *   a caller either does not need that form, or calls `requireForm` first
 */
export function predictionCoefficients(
  prediction: Prediction,
  { alpha, sigma }: Pick<PathPoint, "alpha" | "sigma">,
): { readonly x0: Linear; readonly eps: Linear } {
  switch (prediction) {
    case "epsilon":
      return { x0: vanishes(alpha) ? nowhere : { x: 1 / alpha, o: -sigma / alpha }, eps: { x: 0, o: 1 } };
    case "sample":
      return { x0: { x: 0, o: 1 }, eps: vanishes(sigma) ? nowhere : { x: 1 / sigma, o: -alpha / sigma } };
    case "v": {
      const norm = alpha * alpha + sigma * sigma; // 1 on VP
      return { x0: { x: alpha / norm, o: -sigma / norm }, eps: { x: sigma / norm, o: alpha / norm } };
    }
    case "velocity": {
      const sum = alpha + sigma; // 1 on rectified flow
      return { x0: { x: 1 / sum, o: -sigma / sum }, eps: { x: 1 / sum, o: alpha / sum } };
    }
  }
}

/** 0, or so near it (6e-309) that the inverse overflows. */
const vanishes = (x: number): boolean => !Number.isFinite(1 / x);
const nowhere: Linear = { x: Number.NaN, o: Number.NaN };

/**
 * Refuses a form that does not exist at an end of the path.
 * @throws EtalonError OUT_OF_RANGE: x̂0 of an ε-prediction where α = 0; ε̂ of an x0-prediction where σ = 0
 */
export function requireForm(prediction: Prediction, form: "x0" | "eps", { alpha, sigma }: PathPoint): void {
  if (form === "x0" && prediction === "epsilon" && vanishes(alpha)) {
    throw new EtalonError("OUT_OF_RANGE", {
      argument: "prediction",
      value: prediction,
      allowed: "sample, v or velocity where alpha is 0",
      hint: "In pure noise an ε-prediction tells nothing of the data: start the grid at a later time, as with start: 0.98.",
    });
  }
  if (form === "eps" && prediction === "sample" && vanishes(sigma)) {
    throw new EtalonError("OUT_OF_RANGE", {
      argument: "prediction",
      value: prediction,
      allowed: "epsilon, v or velocity where sigma is 0",
      hint: "At the data an x0-prediction tells nothing of the noise: no step starts there.",
    });
  }
}
