import fc from "fast-check";
import { describe, expect, test } from "vitest";
import "@etalon/testkit";
import { groupAdvantages } from "./groupAdvantages.ts";
import { meanAndStd } from "./meanAndStd.ts";
import { PromptStatistics } from "./PromptStatistics.ts";

const rewards = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 2, maxLength: 12 });

describe("groupAdvantages", () => {
  test("are centred, of unit deviation, and blind to shift and scale", () => {
    fc.assert(
      fc.property(rewards, fc.double({ min: 0.5, max: 50, noNaN: true }), (values, scale) => {
        fc.pre(meanAndStd(values).std > 0.01);
        const advantages = groupAdvantages(values, values.length);
        const { mean, std } = meanAndStd([...advantages]);
        expect(mean).toBeCloseTo(0, 9);
        expect(std).toBeCloseTo(1, 5);
        expect(
          groupAdvantages(
            values.map((v) => v * scale + 7),
            values.length,
          ),
        ).toBeAllclose(advantages, { atol: 1e-5 });
      }),
    );
  });

  test("a group knows nothing of the others; equal rewards move nothing", () => {
    expect([...groupAdvantages([1, 3, 100, 100], 2)].map((a) => Math.round(a * 1e6) / 1e6)).toEqual([-1, 1, 0, 0]);
    expect([...groupAdvantages([0.1, 0.1, 0.1], 3)]).toEqual([0, 0, 0]);
  });
});

describe("PromptStatistics", () => {
  test("uses all prompts until one has enough of its own, and forgets the oldest", () => {
    const statistics = new PromptStatistics({ size: 3, minCount: 3 });
    const first = statistics.advantages([1, 3], ["a", "b"]);
    expect(first).toBeAllclose([-1 / (1 + 1e-6), 1 / (1 + 1e-6)], { rtol: 1e-12 });
    const second = statistics.advantages([2, 6], ["a", "a"]); // a: 1, 2, 6
    const { mean, std } = meanAndStd([1, 2, 6]);
    expect(second).toBeAllclose([(2 - mean) / (std + 1e-6), (6 - mean) / (std + 1e-6)], { rtol: 1e-12 });
    statistics.advantages([9], ["a"]);
    expect(statistics.state()).toEqual({ a: [2, 6, 9], b: [3] });
  });

  test("go on the same after a round through JSON", () => {
    fc.assert(
      fc.property(rewards, rewards, (before, after) => {
        const prompts = (values: number[]) => values.map((_, i) => `p${i % 3}`);
        const one = new PromptStatistics({ size: 5, minCount: 2 });
        one.advantages(before, prompts(before));
        const two = new PromptStatistics({ size: 5, minCount: 2 });
        two.load(JSON.parse(JSON.stringify(one.state())));
        expect([...two.advantages(after, prompts(after))]).toEqual([...one.advantages(after, prompts(after))]);
      }),
    );
  });
});
