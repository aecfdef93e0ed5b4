import { goldenJson } from "@etalon/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type WindowOptions, windows } from "./windows.ts";

interface Setting {
  name: string;
  sampling_steps: number;
  iters_per_group: number;
  group_size: number;
  max_iters_per_group: number;
  min_iters_per_group: number;
  prog_overlap_step: number;
  roll_back: boolean;
  exp_decay_thre_timestep?: number;
  exp_decay_k?: number;
}
interface Golden {
  iterations: number;
  settings: Setting[];
  cases: { setting: string; strategy: string; start_range?: [number, number]; windows: number[][] }[];
}

const golden = goldenJson<Golden>("mixgrpo_windows.json");
const optionsOf = (setting: Setting, strategy: string): WindowOptions => ({
  strategy: strategy.replace("_", "-") as WindowOptions["strategy"],
  steps: setting.sampling_steps,
  size: setting.group_size,
  every: setting.iters_per_group,
  stride: setting.prog_overlap_step,
  rollBack: setting.roll_back,
  maxEvery: setting.max_iters_per_group,
  minEvery: setting.min_iters_per_group,
  decayFrom: setting.exp_decay_thre_timestep,
  decayRate: setting.exp_decay_k,
});

describe("MixGRPO's own windows, edge 'published'", () => {
  test.each(golden.cases)("$setting $strategy", ({ setting, strategy, start_range, windows: expected }) => {
    const options = optionsOf(golden.settings.find(({ name }) => name === setting) as Setting, strategy);
    const windowOf = windows({ ...options, edge: "published" });
    const actual = expected.map((_, iteration) => windowOf(iteration));
    if (start_range === undefined) return expect(actual).toEqual(expected);
    const starts = actual.map(([first]) => first);
    expect(starts[0]).toBe(expected[0][0]);
    expect(Math.min(...starts)).toBeGreaterThanOrEqual(start_range[0]);
    expect(Math.max(...starts)).toBeLessThanOrEqual(start_range[1]);
    expect(new Set(starts).size).toBeGreaterThan(10);
    expect(actual.map((window) => window.length)).toEqual(expected.map((window) => window.length));
  });
});

test("by default a window is whole, consecutive and leaves the last step out, for any setting", () => {
  const options = fc.record({
    strategy: fc.constantFrom("progressive", "random", "decay", "exp-decay", "frozen" as const),
    steps: fc.integer({ min: 2, max: 30 }),
    size: fc.integer({ min: 1, max: 30 }),
    every: fc.integer({ min: 1, max: 30 }),
    stride: fc.integer({ min: 1, max: 5 }),
    rollBack: fc.boolean(),
    seed: fc.nat(),
  });
  fc.assert(
    fc.property(options, fc.nat(1000), (o, iteration) => {
      fc.pre(o.size <= o.steps);
      const window = windows(o as WindowOptions)(iteration);
      expect(window).toHaveLength(Math.min(o.size, o.steps - 1));
      expect(window.at(-1)).toBeLessThan(o.steps - 1);
      expect(window).toEqual(window.map((_, i) => window[0] + i));
    }),
  );
});

test("without roll-back it stays at the last place; frozen stays at its first", () => {
  const base = { steps: 10, size: 3, every: 2 };
  expect(windows({ ...base, strategy: "progressive", rollBack: false })(999)).toEqual([6, 7, 8]);
  expect(windows({ ...base, strategy: "frozen", start: 2 })(999)).toEqual([2, 3, 4]);
});

test("with an end, no window reaches it, whatever the strategy, and every place before it is taken", () => {
  for (const strategy of ["progressive", "random", "decay", "exp-decay"] as const) {
    const windowOf = windows({ strategy, steps: 10, size: 2, every: 1, end: 5 });
    const seen = Array.from({ length: 200 }, (_, iteration) => windowOf(iteration));
    expect(new Set(seen.map(([first]) => first))).toEqual(new Set([0, 1, 2, 3]));
    expect(seen.every((window) => window.length === 2)).toBe(true);
  }
});

test("refuses what is no window", () => {
  const base: WindowOptions = { strategy: "progressive", steps: 10, size: 3, every: 2 };
  expect(() => windows({ ...base, size: 11 })).toThrow("size is 11; allowed: a whole number ≥ 1 and ≤ 10.");
  expect(() => windows({ ...base, start: 8 })).toThrow("start is 8");
  expect(() => windows({ ...base, end: 2 })).toThrow("end is 2; allowed: a whole number ≥ 3.");
  expect(() => windows(base)(-1)).toThrow("iteration is -1");
  expect(() => windows({ ...base, strategy: "progresive" as "progressive" })).toThrow('Did you mean "progressive"?');
});
