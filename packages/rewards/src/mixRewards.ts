import { check, EtalonError } from "@etalon/errors";
import type { ImageBatch } from "./ImageBatch.ts";
import { checkReward, type Reward } from "./Reward.ts";
import { scoreChecked } from "./scoreChecked.ts";

/** One reward of a mix and what it counts. */
export interface MixPart {
  reward: Reward;
  /** Any finite number; a negative one turns the reward round. */
  weight: number;
}

/**
 * Where the weighted sum is taken. 'reward': of the scores, before advantages. 'advantage': the trainer takes the advantage of each part over its group or
 * prompt and sums those, so that no part drowns another by its unit.
 */
export const mixLevels = ["reward", "advantage"] as const;
export type MixLevel = (typeof mixLevels)[number];

/** A reward made of others. */
export interface MixedReward extends Reward {
  readonly parts: readonly Readonly<MixPart>[];
  readonly level: MixLevel;
  /** Each part's own scores, unweighted, in the order of `parts`: float32 [images.count] each. */
  scoreParts(images: ImageBatch, prompts: readonly string[]): Promise<Float32Array[]>;
}

/**
 * A weighted mix of rewards.       math.md §4
 * `score` gives Σ weight·score at either level. At level 'advantage' a trainer does not use that sum but calls `scoreParts`, makes advantages of each part as it
 * would of a single reward, and trains on Σ weight·advantage; `score` is then for reports.
 * @throws EtalonError BAD_SHAPE: no parts; BAD_TYPE: a part that is no reward; OUT_OF_RANGE: a weight that is not finite, an unknown level
 */
export function mixRewards(parts: readonly MixPart[], level: MixLevel = "reward"): MixedReward {
  if (!(Array.isArray(parts) && parts.length > 0))
    throw new EtalonError("BAD_SHAPE", {
      argument: "parts",
      value: parts,
      allowed: "at least one {reward, weight}",
    });
  check.oneOf("level", level, mixLevels);
  const kept = parts.map(({ reward, weight }, i) => ({
    reward: checkReward(`parts[${i}].reward`, reward),
    weight: check.range(`parts[${i}].weight`, weight),
  }));
  const scoreParts = async (images: ImageBatch, prompts: readonly string[]) => {
    const scores: Float32Array[] = [];
    for (const { reward } of kept) scores.push(await scoreChecked(reward, images, prompts));
    return scores;
  };
  return {
    name: kept.map(({ reward, weight }) => `${weight}*${reward.name}`).join(" + "),
    parts: kept,
    level,
    scoreParts,
    score: async (images, prompts) => {
      const scores = await scoreParts(images, prompts);
      return Float32Array.from({ length: images.count }, (_, i) =>
        kept.reduce((sum, { weight }, part) => sum + weight * scores[part][i], 0),
      );
    },
    dispose: () => {
      for (const { reward } of kept) reward.dispose?.();
    },
  };
}

/** Whether a reward is a mix, with parts that can be scored alone. */
export const isMixedReward = (reward: Reward): reward is MixedReward => "scoreParts" in reward;
