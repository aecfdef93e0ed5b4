import { check } from "@etalon/errors";
import { meanAndStd } from "./meanAndStd.ts";

/**
 * Advantages relative to the group: (R − mean)/(std + 1e-8) over each `size` consecutive rewards.   docs/math.md §4; GRPO
 * A group of equal rewards gets exactly 0.
 */
export function groupAdvantages(rewards: ArrayLike<number>, size: number): Float64Array {
  check.count("groupSize", size);
  const out = new Float64Array(rewards.length);
  for (let begin = 0; begin < rewards.length; begin += size) {
    const group = Array.prototype.slice.call(rewards, begin, begin + size) as number[];
    const { mean, std } = meanAndStd(group);
    for (const [i, reward] of group.entries()) out[begin + i] = (reward - mean) / (std + 1e-8);
  }
  return out;
}
