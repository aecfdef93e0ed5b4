import type { Plan } from "@etalon/gddim";
import { Random } from "@etalon/models";
import type { TrainConfig } from "../config/TrainConfig.ts";

const stream = 2 ** 31; // apart from the streams that prompts are shuffled by
const apart = 2 ** 52; // and the images' own streams apart from both

/** How many steps, and whose. */
export type StepChoice = Pick<TrainConfig["train"], "trainedSteps" | "timestepFraction" | "stepChoice">;

/**
 * Which stochastic steps of a plan an epoch trains on: one set of indices an image, drawn without return: as many as `trainedSteps` or `timestepFraction` say, or all of
 * them. A pure function of (seed, epoch), or of (seed, id) where each image has its own.
 * @param ids  of the images
 */
export function trainedSteps(
  plan: Plan,
  { trainedSteps: count, timestepFraction, stepChoice }: StepChoice,
  seed: number,
  epoch: number,
  ids: Uint32Array,
): ReadonlySet<number>[] {
  const stochastic = plan.steps.filter((step) => step.stochastic).map(({ index }) => index);
  const many =
    count ??
    (timestepFraction === null ? stochastic.length : Math.max(1, Math.floor(timestepFraction * stochastic.length)));
  const draw = (random: Random) => new Set(random.shuffle(stochastic).slice(0, many));
  if (stepChoice === "each") return Array.from(ids, (id) => draw(new Random(seed + apart, id)));
  const shared = many >= stochastic.length ? new Set(stochastic) : draw(new Random(seed, stream + epoch));
  return Array.from(ids, () => shared);
}
