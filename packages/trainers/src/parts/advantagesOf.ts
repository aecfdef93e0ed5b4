import type { TrainConfig } from "../config/TrainConfig.ts";
import { groupAdvantages } from "./groupAdvantages.ts";
import type { PromptStatistics } from "./PromptStatistics.ts";
import type { Scored } from "./rewardImages.ts";

/** What advantages are made of. */
export interface AdvantageInput {
  train: Pick<TrainConfig["train"], "advantage" | "groupSize" | "clipAdvantage">;
  scored: Scored;
  /** One an image; those of a group stand together. */
  prompts: readonly string[];
  /** The running statistics of a term of the reward: they take its rewards in. */
  statisticsOf(term: number): PromptStatistics;
}

/** The advantages of an epoch's images: of each term of the reward by its group or its prompt's statistics, added up by weight, cut to ± clipAdvantage.   docs/math.md §4 */
export function advantagesOf({ train, scored, prompts, statisticsOf }: AdvantageInput): Float64Array {
  const sum = new Float64Array(prompts.length);
  for (const [term, { weight, scores }] of scored.terms.entries()) {
    const advantages =
      train.advantage === "group"
        ? groupAdvantages(scores, train.groupSize)
        : statisticsOf(term).advantages(scores, prompts);
    for (const [i, advantage] of advantages.entries()) sum[i] += weight * advantage;
  }
  return sum.map((advantage) => Math.max(-train.clipAdvantage, Math.min(train.clipAdvantage, advantage)));
}
