import { Random } from "@etalon/models";
import { expect, test } from "vitest";
import { blockSlope } from "./blockSlope.mjs";

/** As RSS after each of 200 epochs: levels of malloc's heap from one checkpoint to the next, some MB apart, half of them kept for another one. In bytes. */
function levels(random: Random): number[] {
  const drawn = [172.5, 178.6, 179.5, 182.3];
  const series: number[] = [];
  for (let level = 0; series.length < 200; ) {
    if (series.length === 0 || random.uniform() > 0.4) level = drawn[random.below(drawn.length)];
    for (let epoch = 0; epoch < 2; epoch++) series.push(1e6 * (level + 0.2 * random.uniform()));
  }
  return series;
}

test("a line's slope, without an error", () => {
  const { slope, within } = blockSlope(Array.from({ length: 50 }, (_, i) => 3 + 0.25 * i));
  expect(slope).toBeCloseTo(0.25, 12);
  expect(within).toBeCloseTo(0, 12);
});

test("the 95 % intervals of levels that hang together hold the truth about as often, and a leak of 60 kB an epoch is found", () => {
  const random = new Random(5);
  const drawn = Array.from({ length: 2000 }, () => blockSlope(levels(random)));
  const held = drawn.filter(({ slope, within }) => Math.abs(slope) <= within).length / drawn.length;
  expect(held).toBeGreaterThan(0.93);
  expect(held).toBeLessThan(0.97);
  const found = drawn.filter(({ slope, within }) => slope + 60e3 > within).length / drawn.length;
  expect(found).toBeGreaterThan(0.95);
});

test("refuses a length that ten blocks do not share", () => {
  expect(() => blockSlope([1, 2, 3])).toThrow("series has 3 values; allowed: 20, 30, …");
});
