import type { Path } from "@etalon/schedules";
import { marginalStep, snrGap } from "./marginalStep.ts";
import { termOf } from "./multistepMap.ts";
import type { CorrectorMap, StepMap } from "./StepMap.ts";

/**
 * One step of Heun's method on the ODE dx = x̂0 dα + ε̂ dσ, which every path has: an Euler step (DDIM) to s, then the mean of both slopes:
 * x_s = x + ½(α_s − α_t)(x̂0 + x̂0') + ½(σ_s − σ_t)(ε̂ + ε̂').   docs/math.md §2
 * On VE it is EDM's (arXiv:2206.00364, algorithm 1), on flow that of diffusers' FlowMatchHeunDiscreteScheduler. Order 2; two evaluations a step.
 * @returns `predict`, and `correct` but where σ_s = 0: no model is evaluated at the data
 */
export function heunStep(path: Path, t: number, s: number): { predict: StepMap; correct?: CorrectorMap } {
  const predict = marginalStep(path, t, s, 0);
  const [from, to] = [path.at(t), path.at(s)];
  if (to.sigma === 0 || snrGap(path, t, s) === 0) return { predict };
  const half = { x0: (to.alpha - from.alpha) / 2, eps: (to.sigma - from.sigma) / 2 };
  const [now, next] = [termOf(path, from, half), termOf(path, to, half)];
  return { predict, correct: { a: 1 + now.a, b: now.b, next } };
}
