import { EtalonError } from "@etalon/errors";
import { mergeConfig, parseTrainConfig, type TrainConfig } from "@etalon/trainers";
import type { StudyConfig } from "./StudyConfig.ts";
import type { StudyJob } from "./studyJobs.ts";

/** Keys of a training that the study sets itself. */
const taken = ["model", "engine", "reward", "prompts", "seed", "checkpoint", "measure"];

/**
 * The training config of a job: the study's `train` with what the study sets itself laid on top. Checkpoints are for resuming only.
 * @throws EtalonError BAD_CONFIG: a key that the study sets itself, or that training does not have
 */
export function jobTrainConfig(
  { model, engine, prompts }: StudyConfig,
  { reward, eta, seed, epochs, train }: StudyJob,
): TrainConfig {
  for (const key of [...taken, "sampler.eta", "train.epochs"]) {
    const value = key
      .split(".")
      .reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], train);
    if (value !== undefined)
      throw new EtalonError("BAD_CONFIG", { argument: `train.${key}`, value, allowed: "nothing: the study sets it" });
  }
  const own = {
    ...{ model, engine, reward, seed, prompts: prompts.inDomain },
    sampler: { eta },
    train: { epochs: epochs[epochs.length - 1] },
    checkpoint: { every: 5, keep: 1 },
  };
  return parseTrainConfig(mergeConfig(train, own));
}
