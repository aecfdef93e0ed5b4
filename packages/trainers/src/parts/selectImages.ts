import { check } from "@etalon/errors";

/**
 * Which images an epoch trains on: all, or, DanceGRPO's best-of-n, of each group the ⌈n/2⌉ with the highest and the ⌊n/2⌋ with the lowest scores. Of equal scores the earlier
 * image counts as the lower.   arXiv:2505.07818; its code sorts a process's whole batch, this each group.
 * @param scores  one an image; groups of `groupSize` stand together    @param bestOf  n ≥ 1, or null for all
 * @returns indices, rising    @throws EtalonError OUT_OF_RANGE: more than a group has
 */
export function selectImages(scores: ArrayLike<number>, groupSize: number, bestOf: number | null): number[] {
  const all = Array.from({ length: scores.length }, (_, i) => i);
  if (bestOf === null) return all;
  check.range("bestOf", bestOf, { min: 1, max: groupSize, integer: true });
  const chosen: number[] = [];
  for (let begin = 0; begin < scores.length; begin += groupSize) {
    const rising = all.slice(begin, begin + groupSize).sort((i, j) => scores[i] - scores[j] || i - j);
    const worst = Math.min(Math.floor(bestOf / 2), rising.length);
    const best = Math.min(bestOf, rising.length) - worst;
    chosen.push(...rising.slice(0, worst), ...rising.slice(rising.length - best));
  }
  return chosen.sort((i, j) => i - j);
}
