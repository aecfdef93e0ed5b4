import { EtalonError } from "@etalon/errors";
import type { PathPoint, Prediction } from "./Path.ts";

/** x̂0 = x0.x·x + x0.o·o and ε̂ = eps.x·x + eps.o·o. */
export interface OutputCoefficients {
  x0: { x: number; o: number };
  eps: { x: number; o: number };
}

/**
 * The affine map from state x and model output o to (x̂0, ε̂); docs/math.md §1.
 * @throws EtalonError OUT_OF_RANGE: an 'epsilon' output where α = 0, or a 'sample' output where σ = 0: it does not tell the other part
 */
export function outputCoefficients(prediction: Prediction, { alpha, sigma }: PathPoint): OutputCoefficients {
  switch (prediction) {
    case "epsilon":
      refuse(alpha === 0, prediction, "a time where alpha > 0");
      return { x0: { x: 1 / alpha, o: -sigma / alpha }, eps: { x: 0, o: 1 } };
    case "sample":
      refuse(sigma === 0, prediction, "a time where sigma > 0");
      return { x0: { x: 0, o: 1 }, eps: { x: 1 / sigma, o: -alpha / sigma } };
    case "v":
      return { x0: { x: alpha, o: -sigma }, eps: { x: sigma, o: alpha } };
    case "velocity":
      return { x0: { x: 1, o: -sigma }, eps: { x: 1, o: alpha } };
  }
}

function refuse(fault: boolean, prediction: Prediction, allowed: string): void {
  if (fault)
    throw new EtalonError("OUT_OF_RANGE", {
      argument: `t under prediction ${prediction}`,
      value: "an end of the path",
      allowed,
    });
}
