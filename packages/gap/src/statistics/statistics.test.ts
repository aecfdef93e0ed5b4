import { describe, expect, test } from "vitest";
import { random } from "../../test/random.ts";
import { interval } from "./interval.ts";
import { studentQuantile } from "./studentQuantile.ts";
import { summarise } from "./summarise.ts";

test.each([
  // tables of Student's t, as in any handbook
  [0.975, 1, 12.7062047362],
  [0.975, 2, 4.3026527297],
  [0.975, 10, 2.228138852],
  [0.975, 15, 2.1314495456],
  [0.95, 5, 2.0150483733],
  [0.995, 30, 2.7499956536],
  [0.975, 100000, 1.9599877077],
])("studentQuantile(%d, %d)", (p, freedom, expected) => {
  expect(studentQuantile(p, freedom)).toBeCloseTo(expected, 9);
  expect(studentQuantile(1 - p, freedom)).toBeCloseTo(-expected, 9);
});

describe("summarise", () => {
  test("mean and standard error, also far from zero", () => {
    expect(summarise([1, 2, 3, 4])).toEqual({ mean: 2.5, sem: Math.sqrt(5 / 3 / 4) });
    expect(summarise([1e9 + 1, 1e9 + 2, 1e9 + 3]).sem).toBeCloseTo(1 / Math.sqrt(3), 12);
    expect(summarise([7])).toEqual({ mean: 7, sem: 0 });
  });
  test("lets nothing through that is no number", () => {
    expect(() => summarise([])).toThrow("one value or more");
    expect(() => summarise([1, Number.NaN])).toThrow("finite values");
  });
});

test("the interval over prompts covers the truth in 95 % of studies, where one over pictures would not", () => {
  const { normal } = random(1);
  const studies = 2000;
  const [prompts, each] = [16, 4];
  let covered = 0;
  let naive = 0;
  for (let i = 0; i < studies; i++) {
    const effects = Array.from({ length: prompts }, () => normal());
    const values = Array.from({ length: prompts * each }, (_, k) => 3 + effects[k % prompts] + normal());
    const { low, high } = interval(values, values.map((_, k) => k % prompts)); // biome-ignore format: one thought
    covered += Number(low <= 3 && 3 <= high);
    const { mean, sem } = summarise(values);
    naive += Number(Math.abs(mean - 3) <= 1.96 * sem);
  }
  expect(covered / studies).toBeGreaterThan(0.94); // ± 2 standard errors of 2000 studies
  expect(covered / studies).toBeLessThan(0.96);
  expect(naive / studies).toBeLessThan(0.85);
});

test("an interval wants groups", () => {
  expect(() => interval([1, 2], ["a", "a"])).toThrow("two groups or more");
  expect(() => interval([1, 2], ["a"])).toThrow("groups is");
});
