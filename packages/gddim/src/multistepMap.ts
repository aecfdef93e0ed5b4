import { type Path, type PathPoint, predictionCoefficients, requireForm } from "@etalon/schedules";
import type { EarlierTerm } from "./StepMap.ts";

/** Weights of the data and the noise that one evaluation of the model means. */
export interface FormWeights {
  x0?: number;
  eps?: number;
}

/** Turns weights of (x̂0, ε̂) at a point of the path into coefficients of (x, o) there. @throws EtalonError OUT_OF_RANGE: a form that the prediction does not have at that point */
export function termOf(path: Path, at: PathPoint, { x0 = 0, eps = 0 }: FormWeights): EarlierTerm {
  const forms = predictionCoefficients(path.prediction, at);
  let [a, b] = [0, 0];
  if (x0 !== 0) {
    requireForm(path.prediction, "x0", at);
    [a, b] = [x0 * forms.x0.x, x0 * forms.x0.o];
  }
  if (eps !== 0) {
    requireForm(path.prediction, "eps", at);
    [a, b] = [a + eps * forms.eps.x, b + eps * forms.eps.o];
  }
  return { a, b };
}
