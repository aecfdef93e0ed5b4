import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { imagesOfRanks, reductionSpan, type Sharing } from "./imagesOfRanks.ts";

const base: Sharing = { images: 12, groupSize: 3, updates: 1, microBatch: 3, span: 1, splitGroups: false };
/** The groups that each rank has images of. */
const groupsOf = (shares: readonly number[][], groupSize: number) =>
  shares.map((images) => [...new Set(images.map((image) => Math.floor(image / groupSize)))]);

describe("imagesOfRanks", () => {
  test("with one reduction an update ranks have groups in a row", () => {
    const one = { ...base, span: undefined };
    expect(imagesOfRanks(one, 2)).toEqual([[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]); // biome-ignore format: a list
    expect(groupsOf(imagesOfRanks(one, 3), 3)).toEqual([[0], [1], [2, 3]]);
  });

  test("with more of them, ranks that divide the groups take them in turn, so that the n-th micro-batches of all are neighbours", () => {
    expect(imagesOfRanks(base, 2)).toEqual([[0, 1, 2, 6, 7, 8], [3, 4, 5, 9, 10, 11]]); // biome-ignore format: a list
    expect(groupsOf(imagesOfRanks({ ...base, microBatch: 6 }, 2), 3)).toEqual([[0, 1], [2, 3]]); // biome-ignore format: a list
    expect(imagesOfRanks(base, 1)).toEqual([Array.from({ length: 12 }, (_, i) => i)]);
  });

  test("other ranks have groups in a row, one more or less, and none is split", () => {
    expect(groupsOf(imagesOfRanks(base, 3), 3)).toEqual([[0], [1], [2, 3]]);
  });

  test("a group lies on several ranks only where that is asked for", () => {
    const one = { ...base, images: 8, groupSize: 8, microBatch: 2 };
    expect(imagesOfRanks({ ...one, splitGroups: true }, 2)).toEqual([[0, 1, 4, 5], [2, 3, 6, 7]]); // biome-ignore format: a list
    expect(() => imagesOfRanks(one, 2)).toThrow(
      "the number of ranks is 2; allowed: at most train.promptsPerEpoch, 1. parallel.splitGroups lets a prompt's images lie on several ranks.",
    );
  });

  test("split, every rank has images of every update, or it is refused", () => {
    const split = { ...base, updates: 4, splitGroups: true };
    expect(imagesOfRanks(split, 3).map((images) => new Set(images.map((i) => i % 4)).size)).toEqual([4, 4, 4]);
    expect(() => imagesOfRanks(split, 4)).toThrow(
      "the number of ranks is 4; allowed: at most the images of an update, 3",
    );
  });

  const size = (max: number) => fc.integer({ min: 1, max });
  test("whatever the sizes: each image once, in order; ranks alike but for one unit; groups whole unless told", () => {
    const sizes = fc.record({ prompts: size(9), groupSize: size(6), updates: size(4), microBatch: size(8), wanted: fc.option(size(4), { nil: undefined }), ranks: size(6), splitGroups: fc.boolean() }); // biome-ignore format: one thought
    const property = fc.property(sizes, ({ prompts, wanted, ranks, ...rest }) => {
      const images = prompts * rest.groupSize;
      fc.pre(rest.splitGroups ? images >= ranks * rest.updates : prompts >= ranks);
      const span = wanted && reductionSpan({ images, ...rest }, wanted);
      if (wanted && span) expect(Number.isInteger(span) && span >= wanted, `span ${span}`).toBe(true);
      const shares = imagesOfRanks({ images, span, ...rest }, ranks);
      expect(shares.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: images }, (_, i) => i));
      for (const own of shares) expect(own).toEqual([...own].sort((a, b) => a - b));
      const counts = shares.map((own) => own.length);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(rest.splitGroups ? 1 : rest.groupSize);
      if (!rest.splitGroups) expect(groupsOf(shares, rest.groupSize).flat()).toHaveLength(prompts); // none on two ranks
    });
    fc.assert(property, { numRuns: 500, seed: 8 });
  });
});
