import type { Path } from "@etalon/schedules";
import type { TrainConfig } from "../config/TrainConfig.ts";
import { trainedSteps } from "./trainedSteps.ts";
import { trainingPlan } from "./trainingPlan.ts";

/** Evaluations of the model for one image of an epoch, on average over the epoch's images. */
export interface ModelPasses {
  /** Forward passes that draw it: as many as steps, two a step of a predictor–corrector or under guidance. */
  rollout: number;
  /** Forward and backward passes of the update: the trained steps, once an inner epoch; 0 for an image that best-of-n leaves out. */
  training: number;
  /** Forward passes of the reference model, for the KL. */
  reference: number;
}

/** Counts what an epoch evaluates, from its plan: nothing is run.   @param epoch  from 0 */
export function modelPasses(
  config: Pick<TrainConfig, "sampler" | "train" | "seed">,
  path: Path,
  epoch: number,
): ModelPasses {
  const { sampler, train, seed } = config;
  const plan = trainingPlan(config, path, epoch);
  const both = sampler.guidance === 1 ? 1 : 2;
  const [{ size }] = trainedSteps(plan, train, seed, epoch, Uint32Array.of(0));
  const share = (train.bestOf ?? train.groupSize) / train.groupSize;
  const training = size * both * train.innerEpochs * share;
  const evaluations = plan.steps.reduce((sum, { correct }) => sum + (correct ? 2 : 1), 0);
  return { rollout: evaluations * both, training, reference: train.kl > 0 ? training : 0 };
}
