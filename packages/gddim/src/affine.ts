import { type PathPoint, type Prediction, predictionCoefficients, requireForm } from "@etalon/schedules";
import type { StepMap } from "./StepMap.ts";

/**
 * The step whose mean is x0·x̂0 + eps·ε̂, with standard deviation std, as an affine map of state and model output.   docs/math.md §1, §2
 * A form with weight 0 is not asked for, so a step that forgets the noise works also where the model tells nothing of it.
 * @param from  where the state is on its path
 * @throws EtalonError OUT_OF_RANGE: x̂0 of an ε-prediction at α = 0, ε̂ of an x0-prediction at σ = 0
 */
export function affine(
  prediction: Prediction,
  from: PathPoint,
  { x0, eps }: { x0: number; eps: number },
  std: number,
): StepMap {
  const forms = predictionCoefficients(prediction, from);
  let [a, b] = [0, 0];
  if (x0 !== 0) {
    requireForm(prediction, "x0", from);
    [a, b] = [x0 * forms.x0.x, x0 * forms.x0.o];
  }
  if (eps !== 0) {
    requireForm(prediction, "eps", from);
    [a, b] = [a + eps * forms.eps.x, b + eps * forms.eps.o];
  }
  return { a, b, std };
}
