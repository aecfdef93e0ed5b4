import "@etalon/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defineReward, type ImageBatch, isMixedReward, mixRewards, scoreChecked } from "./index.ts";

const images: ImageBatch = { data: new Uint8Array(2 * 3), count: 2, width: 1, height: 1 };
const prompts = ["", ""];
const constant = (name: string, ...scores: number[]) => defineReward(name, () => scores);

describe("mixRewards", () => {
  test("scores the weighted sum at either level, and each part alone", async () => {
    const parts = [
      { reward: constant("a", 1, 2), weight: 1 },
      { reward: constant("b", 10, -4), weight: -0.5 },
    ];
    for (const level of ["reward", "advantage"] as const) {
      const mix = mixRewards(parts, level);
      expect(mix).toMatchObject({ name: "1*a + -0.5*b", level });
      expect(await scoreChecked(mix, images, prompts)).toEqual(Float32Array.of(-4, 4));
      expect(await mix.scoreParts(images, prompts)).toEqual([Float32Array.of(1, 2), Float32Array.of(10, -4)]);
    }
  });

  test("is linear in the weights", async () => {
    const finite = fc.double({ min: -100, max: 100, noNaN: true });
    const law = fc.asyncProperty(finite, finite, fc.tuple(finite, finite), async (v, w, scores) => {
      const reward = constant("a", ...scores);
      const once = await mixRewards([{ reward, weight: v + w }]).score(images, prompts);
      const both = [v, w].map((weight) => ({ reward, weight }));
      expect(await mixRewards(both).score(images, prompts)).toBeAllclose(once, { atol: 1e-3, rtol: 1e-5 });
    });
    await fc.assert(law, { numRuns: 50 });
  });

  test("names the part that is at fault", async () => {
    const mix = mixRewards([
      { reward: constant("good", 1, 2), weight: 1 },
      { reward: constant("bad", 1), weight: 1 },
    ]);
    await expect(scoreChecked(mix, images, prompts)).rejects.toMatchObject({
      code: "BAD_REWARD",
      message: "reward bad gave 1 scores for 2 images; allowed: one finite number an image.",
    });
  });

  test("disposes its parts, and can be told from a single reward", () => {
    let freed = 0;
    const reward = { ...constant("a", 1, 2), dispose: () => void freed++ };
    const mix = mixRewards([{ reward, weight: 1 }]);
    mix.dispose?.();
    expect(freed).toBe(1);
    expect([isMixedReward(mix), isMixedReward(reward)]).toEqual([true, false]);
  });

  test("refuses no parts, a weight that is not finite, an unknown level, what is no reward", () => {
    const reward = constant("a", 1, 2);
    expect(() => mixRewards([])).toThrow("parts is []; allowed: at least one {reward, weight}.");
    expect(() => mixRewards([{ reward, weight: Number.NaN }])).toThrow("parts[0].weight is NaN");
    expect(() => mixRewards([{ reward, weight: 1 }], "advantages" as never)).toThrow('Did you mean "advantage"?');
    expect(() => mixRewards([{ reward: {} as never, weight: 1 }])).toThrow("parts[0].reward is {}");
  });
});
