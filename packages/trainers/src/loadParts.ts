import { engine } from "@etalon/engine";
import { check } from "@etalon/errors";
import { loadPipeline, loadPrompts, type Pipeline } from "@etalon/models";
import { loadReward, mixRewards, type Reward } from "@etalon/rewards";
import type { TrainConfig } from "./config/TrainConfig.ts";

/** What a run works with. Parts given by the caller are used as they are, and stay the caller's to dispose. */
export interface Parts {
  pipeline: Pipeline;
  reward: Reward;
  prompts: readonly string[];
}

/** Loads the parts that a config names. @throws EtalonError NOT_FOUND, BAD_FILE, UNSUPPORTED: the first that is not there */
export async function loadParts(config: TrainConfig, given: Partial<Parts> = {}): Promise<Parts & { dispose(): void }> {
  const prompts = given.prompts ?? loadPrompts(config.prompts);
  check.that(prompts.length > 0, "BAD_SHAPE", { argument: "prompts", value: prompts, allowed: "at least one prompt" });
  await engine(config.engine);
  const reward = given.reward ?? (await rewardOf(config.reward));
  const pipeline = given.pipeline ?? (await loadPipeline(config.model));
  const dispose = () => {
    if (!given.pipeline) pipeline.dispose();
    if (!given.reward) reward.dispose?.();
  };
  return { pipeline, reward, prompts, dispose };
}

async function rewardOf(reward: TrainConfig["reward"]): Promise<Reward> {
  if (typeof reward === "string") return loadReward(reward);
  const parts = await Promise.all(reward.mix.map(async (part) => ({ reward: await loadReward(part.reward), weight: part.weight }))); // biome-ignore format: one thought
  return mixRewards(parts, reward.level);
}
