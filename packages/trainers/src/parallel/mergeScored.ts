import type { Scored } from "../parts/rewardImages.ts";

/** The rewards of an epoch out of the ranks' parts of it. @param shares  which images each rank scored, in its order: indices into the epoch's */
export function mergeScored(parts: readonly Scored[], shares: readonly (readonly number[])[]): Scored {
  const [first] = parts;
  const count = shares.reduce((sum, share) => sum + share.length, 0);
  const merged = (of: (part: Scored) => Float32Array) => {
    const all = new Float32Array(count);
    for (const [rank, part] of parts.entries()) {
      const scores = of(part);
      for (const [at, image] of shares[rank].entries()) all[image] = scores[at];
    }
    return all;
  };
  return {
    total: merged(({ total }) => total),
    each: Object.fromEntries(Object.keys(first.each).map((name) => [name, merged(({ each }) => each[name])])),
    terms: first.terms.map(({ weight }, term) => ({ weight, scores: merged(({ terms }) => terms[term].scores) })),
  };
}
