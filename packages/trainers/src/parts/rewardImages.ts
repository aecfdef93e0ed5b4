import { EtalonError } from "@etalon/errors";
import type { ImageBatch } from "@etalon/models";
import { isMixedReward, type Reward, scoreChecked } from "@etalon/rewards";

/** The rewards of a batch, and what advantages are made of. */
export interface Scored {
  /** What is reported: float32, one an image. */
  total: Float32Array;
  /** By name, where the reward is a mix. */
  each: Record<string, Float32Array>;
  /** What is centred on its own, and then added up by weight. */
  terms: { weight: number; scores: Float32Array }[];
}

/** Scores images: one reward, or a mix at either level (math.md §4). @throws EtalonError BAD_REWARD */
export async function rewardImages(reward: Reward, images: ImageBatch, prompts: readonly string[]): Promise<Scored> {
  if (!isMixedReward(reward)) {
    const total = await scoreChecked(reward, images, prompts);
    return { total, each: {}, terms: [{ weight: 1, scores: total }] };
  }
  const scores = await reward.scoreParts(images, prompts);
  const parts = reward.parts.map(({ weight }, i) => ({ weight, scores: scores[i] }));
  const total = Float32Array.from({ length: images.count }, (_, i) =>
    parts.reduce((sum, part) => sum + part.weight * part.scores[i], 0),
  );
  const wrong = total.findIndex((score) => !Number.isFinite(score));
  if (wrong >= 0) throw new EtalonError("BAD_REWARD", { argument: "reward.mix", value: reward.parts.map(({ weight }) => weight), allowed: "weights at which the sum of the rewards is finite", hint: `At image ${wrong} it is ${total[wrong]}.` }); // biome-ignore format: one thought
  return {
    total,
    each: Object.fromEntries(reward.parts.map(({ reward: { name } }, i) => [name, scores[i]])),
    terms: reward.level === "advantage" ? parts : [{ weight: 1, scores: total }],
  };
}
