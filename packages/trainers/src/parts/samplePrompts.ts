import { type PromptPart, Random } from "@etalon/models";

const streamsOfPart = 2 ** 22; // shuffles of one list; up to 512 lists keep apart from the streams from 2 ** 31 on, which are others'

/**
 * The prompts of an epoch: a list is gone through in an order shuffled anew each pass, so that every prompt comes equally often. Of several lists, each gives its share
 * of all prompts drawn so far, by its weight, to within one.
 * A pure function of (prompts, seed, epoch, count). @param epoch  from 0    @param count  prompts an epoch; more than there are gives some twice
 */
export function samplePrompts(
  prompts: readonly string[] | readonly PromptPart[],
  seed: number,
  epoch: number,
  count: number,
): string[] {
  const parts = prompts
    .map((part) => (typeof part === "string" ? undefined : part))
    .filter((part) => part !== undefined);
  const lists = parts.length > 0 ? parts.map((part) => part.prompts) : [prompts as readonly string[]];
  const weights = parts.length > 0 ? parts.map((part) => part.weight) : [1];
  const orders = new Map<number, string[]>();
  const at = (list: number, index: number): string => {
    const { length } = lists[list];
    const stream = list * streamsOfPart + Math.floor(index / length);
    const order = orders.get(stream) ?? new Random(seed, stream).shuffle(lists[list]);
    orders.set(stream, order);
    return order[index % length];
  };
  return turns(weights, epoch * count, count).map(({ list, index }) => at(list, index));
}

/** Whose turn it is, `count` times after `from` turns, and how many turns that list had before: always the list that is furthest behind its share, the first of equals. */
function turns(weights: readonly number[], from: number, count: number): { list: number; index: number }[] {
  if (weights.length === 1) return Array.from({ length: count }, (_, i) => ({ list: 0, index: from + i }));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const had = weights.map(() => 0);
  return Array.from({ length: from + count }, (_, turn) => {
    const behind = weights.map((weight, i) => (weight / total) * (turn + 1) - had[i]);
    const list = behind.indexOf(Math.max(...behind));
    return { list, index: had[list]++ };
  }).slice(from);
}
