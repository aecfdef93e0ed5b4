import { plan } from "@etalon/gddim";
import { rectifiedFlow } from "@etalon/schedules";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { selectImages } from "./selectImages.ts";
import { trainedSteps } from "./trainedSteps.ts";

describe("best of n", () => {
  test("the best and the worst of each group, half and half", () => {
    const scores = [3, 1, 2, 0, 9, 9, 9, 10];
    expect(selectImages(scores, 4, 2)).toEqual([0, 3, 4, 7]);
    expect(selectImages(scores, 4, 3)).toEqual([0, 2, 3, 4, 6, 7]);
    expect(selectImages(scores, 4, null)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(() => selectImages(scores, 4, 5)).toThrow("bestOf is 5; allowed: a whole number ≥ 1 and ≤ 4.");
  });

  test("n a group, none of them between what is left out", () => {
    const group = fc.array(fc.double({ noNaN: true, min: -5, max: 5 }), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(group, fc.integer({ min: 1, max: 6 }), (scores, n) => {
        const chosen = selectImages(scores, 6, n);
        expect(chosen).toHaveLength(n);
        const left = scores.filter((_, i) => !chosen.includes(i));
        const [low, high] = [Math.min(...left), Math.max(...left)];
        for (const i of chosen) expect(scores[i] <= low || scores[i] >= high).toBe(true);
      }),
    );
  });
});

describe("the trained steps", () => {
  const made = plan({ path: rectifiedFlow({ noiseTime: 0.98 }), steps: 11, eta: 1 }); // ten draw noise
  const ids = Uint32Array.of(40, 41, 42, 43);
  const choose = (over: object, epoch = 0, of = ids) =>
    trainedSteps(made, { trainedSteps: null, timestepFraction: null, stepChoice: "shared", ...over }, 3, epoch, of).map((set) => [...set].sort((a, b) => a - b)); // biome-ignore format: one thought

  test("all of them, so many, or a share rounded down, never none", () => {
    expect(choose({})[0]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(choose({ trainedSteps: 3 })[2]).toHaveLength(3);
    expect(choose({ timestepFraction: 0.65 })[1]).toHaveLength(6);
    expect(choose({ timestepFraction: 0.01 })[1]).toHaveLength(1);
    expect(choose({ trainedSteps: 99 })[0]).toHaveLength(10);
  });

  test("shared: one draw an epoch; each: an image's own, wherever it stands", () => {
    const shared = choose({ trainedSteps: 3 });
    expect(shared).toEqual(Array(4).fill(shared[0]));
    expect(choose({ trainedSteps: 3 }, 1)[0]).not.toEqual(shared[0]);
    const each = choose({ trainedSteps: 3, stepChoice: "each" });
    expect(new Set(each.map(String)).size).toBeGreaterThan(1);
    expect(choose({ trainedSteps: 3, stepChoice: "each" }, 0, Uint32Array.of(42))).toEqual([each[2]]);
  });
});
