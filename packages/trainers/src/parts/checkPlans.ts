import { plan } from "@etalon/gddim";
import type { Path } from "@etalon/schedules";
import { atPath } from "../config/atPath.ts";
import { nominalEta } from "../config/etaAt.ts";
import type { TrainConfig } from "../config/TrainConfig.ts";
import { type Stages, stages } from "../stages.ts";
import { placesOf } from "./trainingPlan.ts";

/**
 * Makes the plans of a run before anything is drawn: of the first epoch and the last (what moves along a run lies between them), of the sample grid, and of the measurements of its gap.
 * @param given  the run's own parts
 * @throws EtalonError OUT_OF_RANGE, UNSUPPORTED: what no plan can be made of, by its key in the config
 */
export function checkPlans(config: TrainConfig, path: Path, given: Partial<Stages> = {}): void {
  const { trainingPlan, trainedSteps } = { ...stages, ...given };
  const { sampler, train, measure, seed } = config;
  const { rule, start, shift } = sampler;
  for (const epoch of [0, train.epochs - 1]) {
    trainedSteps(trainingPlan(config, path, epoch), train, seed, epoch, Uint32Array.of(0));
    const eta = nominalEta(sampler.eta, epoch, sampler.steps);
    const places = { ...placesOf(sampler), steps: "measure.steps" };
    atPath(places, () => plan({ path, steps: measure.steps, rule, start, shift, eta }));
  }
  trainingPlan(config, path, "ode");
}
