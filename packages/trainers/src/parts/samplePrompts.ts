import { Random } from "@etalon/models";

/**
 * The prompts of an epoch: the list is gone through in an order shuffled anew each pass, so that every prompt comes equally often.
 * A pure function of (prompts, seed, epoch, count). @param epoch  from 0    @param count  prompts an epoch; more than there are gives some twice
 */
export function samplePrompts(prompts: readonly string[], seed: number, epoch: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const at = epoch * count + i;
    const pass = Math.floor(at / prompts.length);
    return new Random(seed, pass).shuffle(prompts)[at % prompts.length];
  });
}
