import { expect, test } from "vitest";
import { writePixels } from "./writePixels.ts";

const written = (values: readonly number[]) => {
  const data = new Uint8Array(values.length);
  writePixels(Float32Array.from(values), data);
  return [...data];
};

test("every level and every half between two: the nearest byte, halves up, as Math.round has it", () => {
  const values = Float32Array.from({ length: 2 ** 16 + 1 }, (_, i) => -1 + i / 2 ** 15);
  const near = Float32Array.from({ length: 3 * 511 }, (_, i) => {
    const half = Math.fround((Math.floor(i / 3) + 1) / 255 - 1);
    return half + ((i % 3) - 1) * 2 ** -24;
  });
  for (const all of [values, near]) {
    const expected = Array.from(all, (v) => Math.max(0, Math.min(255, Math.round((v + 1) * 127.5))));
    expect(written([...all])).toEqual(expected);
  }
});

test("values outside are cut, and NaN is 0", () => {
  expect(written([-Infinity, -1e30, -1.01, 1.01, 3.5, 1e30, Infinity, Number.NaN])).toEqual([
    0, 0, 0, 255, 255, 255, 255, 0,
  ]);
});

test("writes from `begin` on and leaves the rest", () => {
  const data = new Uint8Array(4).fill(9);
  writePixels(Float32Array.of(-1, 1), data, 1);
  expect([...data]).toEqual([9, 0, 255, 9]);
});
