import { expect, test } from "vitest";
import { Random } from "./random.ts";

test("gives the same numbers for the same seed and stream, others for another", () => {
  const draw = (seed: number, stream?: number) => {
    const random = new Random(seed, stream);
    return Array.from({ length: 8 }, () => random.uniform());
  };
  expect(draw(1, 2)).toEqual(draw(1, 2));
  expect(new Set([draw(1, 2), draw(1, 3), draw(2, 2), draw(1), draw(2 ** 40)].map(String)).size).toBe(5);
});

test("is uniform and normal within four standard errors", () => {
  const random = new Random(7);
  const n = 20_000;
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / n;
  const uniform = Array.from({ length: n }, () => random.uniform());
  const normal = Array.from({ length: n }, () => random.normal());
  expect(Math.abs(mean(uniform) - 0.5)).toBeLessThan(4 / Math.sqrt(12 * n));
  expect(Math.abs(mean(normal))).toBeLessThan(4 / Math.sqrt(n));
  expect(Math.abs(mean(normal.map((z) => z * z)) - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
  expect(uniform.every((u) => u >= 0 && u < 1)).toBe(true);
});

test("below, pick and shuffle stay within what they are given", () => {
  const random = new Random(3);
  const items = ["a", "b", "c", "d"];
  expect(new Set(Array.from({ length: 200 }, () => random.below(4)))).toEqual(new Set([0, 1, 2, 3]));
  expect(items).toContain(random.pick(items));
  expect(random.shuffle(items).sort()).toEqual(items);
  expect(items).toEqual(["a", "b", "c", "d"]);
});
