import type { Plan } from "@etalon/gddim";
import { Random } from "@etalon/models";

const stream = 2 ** 31; // apart from the streams that prompts are shuffled by

/** Which stochastic steps of a plan an epoch trains on: `count` drawn without return, or all of them for null. A pure function of (seed, epoch). */
export function trainedSteps(plan: Plan, count: number | null, seed: number, epoch: number): ReadonlySet<number> {
  const stochastic = plan.steps.filter((step) => step.stochastic).map(({ index }) => index);
  return new Set(count === null ? stochastic : new Random(seed, stream + epoch).shuffle(stochastic).slice(0, count));
}
