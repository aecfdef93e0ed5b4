import type { ImageBatch } from "@etalon/models";
import { defineReward, mixRewards } from "@etalon/rewards";
import { describe, expect, test } from "vitest";
import "@etalon/testkit";
import { type AdvantageInput, advantagesOf } from "./advantagesOf.ts";
import { groupAdvantages } from "./groupAdvantages.ts";
import { PromptStatistics } from "./PromptStatistics.ts";
import { rewardImages } from "./rewardImages.ts";

const [first, second] = [[1, 3, 2, 5, 9, 1], [100, 300, 50, 700, 10, 10]]; // biome-ignore format: a list
const prompts = ["cat", "cat", "cat", "fish", "fish", "fish"];

/** The terms of a reward, by hand. */
const scored = (...terms: [weight: number, scores: number[]][]): AdvantageInput["scored"] => ({
  total: new Float32Array(6),
  each: {},
  terms: terms.map(([weight, scores]) => ({ weight, scores: Float32Array.from(scores) })),
});
const none = () => {
  throw new Error("asked for statistics");
};
const group = { advantage: "group", groupSize: 3, clipAdvantage: 5 } as const;
const perPrompt = { ...group, advantage: "per-prompt" } as const;

describe("advantagesOf", () => {
  test("of groups: one term as it is, several by weight, each in units of its own deviation", () => {
    const [one, other] = [groupAdvantages(first, 3), groupAdvantages(second, 3)];
    const of = (input: AdvantageInput["scored"]) => advantagesOf({ train: group, scored: input, prompts, statisticsOf: none }); // biome-ignore format: one thought
    expect(of(scored([1, first]))).toBeAllclose(one, { rtol: 1e-12 });
    const sum = of(scored([2, first], [-0.5, second]));
    expect(sum).toBeAllclose(one.map((advantage, i) => 2 * advantage - 0.5 * other[i]), { rtol: 1e-12 }); // biome-ignore format: short
    expect(of(scored([2, first], [-0.5, second.map((value) => value / 1000)]))).toBeAllclose(sum, { rtol: 1e-5 });
  });

  test("per prompt: each term by running statistics of its own, which take its scores in unweighted", () => {
    const kept = [0, 1].map(() => new PromptStatistics({ size: 4, minCount: 3 }));
    const twins = [0, 1].map(() => new PromptStatistics({ size: 4, minCount: 3 }));
    for (const shift of [0, 1]) {
      const scores = [first, second].map((values) => values.map((value) => value + shift * value * value));
      const input = scored([2, scores[0]], [3, scores[1]]);
      const advantages = advantagesOf({ train: perPrompt, scored: input, prompts, statisticsOf: (term) => kept[term] });
      const [one, other] = scores.map((values, term) => twins[term].advantages(values, prompts));
      expect(advantages).toBeAllclose(one.map((advantage, i) => Math.max(-5, Math.min(5, 2 * advantage + 3 * other[i]))), { rtol: 1e-12 }); // biome-ignore format: one thought
    }
    expect(kept.map((statistics) => statistics.state().cat)).toEqual([[2, 2, 12, 6], [50, 10_100, 90_300, 2550]]); // biome-ignore format: a list
  });

  test("the sum is cut to ± clipAdvantage, and not its terms; within it nothing is moved", () => {
    const whole = groupAdvantages(first, 3);
    const of = (clipAdvantage: number, ...terms: Parameters<typeof scored>) =>
      advantagesOf({ train: { ...group, clipAdvantage }, scored: scored(...terms), prompts, statisticsOf: none });
    const cut = of(1, [1, first]);
    expect(cut).toBeAllclose(whole.map((a) => Math.sign(a) * Math.min(1, Math.abs(a))), { rtol: 1e-12 }); // biome-ignore format: short
    expect([Math.min(...cut), Math.max(...cut)]).toEqual([-1, 1]);
    expect(whole.some((a) => Math.abs(a) < 1)).toBe(true);
    expect(of(1.5, [10, first], [-9, first])).toBeAllclose(whole, { rtol: 1e-12 });
  });
});

describe("rewardImages: what is centred on its own", () => {
  const images: ImageBatch = { data: new Uint8Array(6 * 3), count: 6, width: 1, height: 1 };
  const parts = [first, second].map((values, i) => ({ reward: defineReward(`r${i}`, () => Float32Array.from(values)), weight: [2, -0.5][i] })); // biome-ignore format: one thought
  const total = first.map((value, i) => 2 * value - 0.5 * second[i]);

  test("one reward: itself", async () => {
    expect(await rewardImages(parts[0].reward, images, prompts)).toEqual({ total: Float32Array.from(first), each: {}, terms: [{ weight: 1, scores: Float32Array.from(first) }] }); // biome-ignore format: one thought
  });

  test.each([
    ["reward", [{ weight: 1, scores: Float32Array.from(total) }]],
    ["advantage", [{ weight: 2, scores: Float32Array.from(first) }, { weight: -0.5, scores: Float32Array.from(second) }]],
  ] as const)("a mix at the level of its %s", async (level, terms) => {
    const each = { r0: Float32Array.from(first), r1: Float32Array.from(second) };
    expect(await rewardImages(mixRewards(parts, level), images, prompts)).toEqual({ total: Float32Array.from(total), each, terms }); // biome-ignore format: one thought
  }); // biome-ignore format: a table
});
