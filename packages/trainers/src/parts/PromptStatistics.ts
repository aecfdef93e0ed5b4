import { check } from "@etalon/errors";
import { meanAndStd } from "./meanAndStd.ts";

/** The newest rewards of each prompt, oldest first; plain JSON, saved with the run. */
export type PromptRewards = Record<string, number[]>;

/**
 * DDPO's running statistics: advantages by the mean and standard deviation of the newest rewards of the same prompt.   docs/math.md §4
 * After kvablack/ddpo-pytorch: ddpo_pytorch/stat_tracking.py; as there, rewards count before they are centred, and 1e-6 is added to the deviation.
 */
export class PromptStatistics {
  readonly #size: number;
  readonly #minCount: number;
  readonly #rewards = new Map<string, number[]>();

  /** @param size  newest rewards kept of a prompt    @param minCount  with fewer, this call's rewards of all prompts are used instead */
  constructor({ size, minCount }: { size: number; minCount: number }) {
    this.#size = check.count("statistics.size", size);
    this.#minCount = check.count("statistics.minCount", minCount);
  }

  /** Takes the rewards in and gives their advantages: one a reward, in the same order. */
  advantages(rewards: ArrayLike<number>, prompts: readonly string[]): Float64Array {
    check.length("prompts", prompts, rewards.length, "One prompt a reward.");
    for (const [i, prompt] of prompts.entries()) {
      const kept = this.#rewards.get(prompt) ?? [];
      this.#rewards.set(prompt, [...kept, rewards[i]].slice(-this.#size));
    }
    const overall = meanAndStd(Array.from(rewards));
    const own = new Map([...new Set(prompts)].map((prompt) => [prompt, this.#statisticsOf(prompt) ?? overall]));
    return Float64Array.from(prompts, (prompt, i) => {
      const { mean, std } = own.get(prompt) as typeof overall;
      return (rewards[i] - mean) / (std + 1e-6);
    });
  }

  /** What `load` takes back, for an exact resume. */
  state(): PromptRewards {
    return Object.fromEntries(this.#rewards);
  }

  load(state: PromptRewards): void {
    this.#rewards.clear();
    for (const [prompt, rewards] of Object.entries(state)) this.#rewards.set(prompt, [...rewards]);
  }

  #statisticsOf(prompt: string) {
    const rewards = this.#rewards.get(prompt) as number[];
    return rewards.length < this.#minCount ? undefined : meanAndStd(rewards);
  }
}
