import { engine } from "@etalon/engine";
import { check } from "@etalon/errors";
import { loadPipeline, loadPromptSet, type Pipeline, type PromptPart, type PromptSet } from "@etalon/models";
import { loadReward, mixRewards, type Reward } from "@etalon/rewards";
import { atPath } from "./config/atPath.ts";
import type { TrainConfig } from "./config/TrainConfig.ts";

/** What a run works with. Parts given by the caller are used as they are, and stay the caller's to dispose. */
export interface Parts {
  pipeline: Pipeline;
  reward: Reward;
  /** What is trained on: the texts of all lists. */
  prompts: readonly string[];
  /** The lists by weight, where they are several. */
  mixture?: readonly PromptPart[];
}

/** Parts that were loaded. */
export interface LoadedParts extends Parts {
  /** Prompts that are kept out of training, and what is to be said of the lists. */
  data: Pick<PromptSet, "heldOut" | "metadata" | "notes">;
  dispose(): void;
}

/** Loads the parts that a config names. @throws EtalonError NOT_FOUND, BAD_FILE, UNSUPPORTED: the first that is not there, by its key in the config */
export async function loadParts(config: TrainConfig, given: Partial<Parts> = {}): Promise<LoadedParts> {
  const { parts, ...data } = given.prompts ? { parts: [{ weight: 1, prompts: given.prompts }], heldOut: [], metadata: new Map(), notes: [] } : loadPromptSet(config.prompts); // biome-ignore format: one thought
  const prompts = [...new Set(parts.flatMap((part) => part.prompts))];
  check.that(prompts.length > 0, "BAD_SHAPE", { argument: "prompts", value: prompts, allowed: "at least one prompt" });
  await engine(config.engine);
  const reward = given.reward ?? (await rewardOf(config.reward));
  const pipeline = given.pipeline ?? (await loadPipeline(config.model, { variant: config.variant ?? undefined }));
  if (pipeline.model.checkpointing !== undefined) pipeline.model.checkpointing = config.train.checkpointing;
  const dispose = () => {
    if (!given.pipeline) pipeline.dispose();
    if (!given.reward) reward.dispose?.();
  };
  const mixture = given.mixture ?? (parts.length > 1 ? parts : undefined);
  return { pipeline, reward, prompts: given.prompts ?? prompts, mixture, data, dispose };
}

async function rewardOf(reward: TrainConfig["reward"]): Promise<Reward> {
  if (typeof reward === "string") return loadReward(reward);
  const load = (name: string, i: number) => atPath({ reward: `reward.mix.${i}.reward` }, () => loadReward(name));
  const parts = await Promise.all(reward.mix.map(async (part, i) => ({ reward: await load(part.reward, i), weight: part.weight }))); // biome-ignore format: one thought
  return mixRewards(parts, reward.level);
}
