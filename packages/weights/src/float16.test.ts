import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHalf, toHalf } from "./float16.ts";
import { EtalonError, fromFloat32, toFloat32 } from "./index.ts";

describe("F16", () => {
  test.each([
    [0x0000, 0],
    [0x8000, -0],
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x0400, 2 ** -14],
    [0x3c00, 1],
    [0x3555, 0.333251953125],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x7c00, Infinity],
    [0xfc00, -Infinity],
    [0x7e00, Number.NaN],
  ])("word %i is %d", (word, value) => expect(fromHalf(word)).toBe(value));

  test("all 65536 words come back as they were; a NaN stays a NaN", () => {
    for (let word = 0; word < 65536; word++) {
      const value = fromHalf(word);
      const back = toHalf(value);
      if (Number.isNaN(value) ? !Number.isNaN(fromHalf(back)) : back !== word) expect([word, value]).toBe(back);
    }
  });

  test.each([
    ["a tie goes to the even word below", 1 + 2 ** -11, 0x3c00],
    ["a tie goes to the even word above", 1 + 3 * 2 ** -11, 0x3c02],
    ["just over a tie goes up", 1 + 2 ** -11 + 2 ** -23, 0x3c01],
    ["half the least subnormal goes to 0", 2 ** -25, 0],
    ["over it goes up", 2 ** -25 + 2 ** -40, 1],
    ["the greatest subnormal rounds into the least normal", (1023 + 0.5) * 2 ** -24, 0x0400],
    ["65520 is a tie and becomes infinite", 65520, 0x7c00],
    ["below it stays finite", 65519.99, 0x7bff],
    ["-0 keeps its sign", -0, 0x8000],
  ])("%s", (_, value, word) => expect(toHalf(value)).toBe(word));

  test("law: no other word is nearer", () => {
    const least = fc.float({ min: -65504, max: 65504, noNaN: true });
    fc.assert(
      fc.property(least, (value) => {
        const word = toHalf(value);
        const error = Math.abs(fromHalf(word) - value);
        const [up, down] = [fromHalf((word & 0x7fff) + 1), fromHalf(Math.max(0, (word & 0x7fff) - 1))];
        for (const other of [up, down]) expect(Math.abs(other - Math.abs(value))).toBeGreaterThanOrEqual(error);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("BF16", () => {
  const round = (value: number) => fromFloat32(Float32Array.of(value), "BF16")[0];
  test.each([
    ["1", 1, 0x3f80],
    ["a tie to even below", 1 + 2 ** -8, 0x3f80],
    ["a tie to even above", 1 + 3 * 2 ** -8, 0x3f82],
    ["just over a tie", 1 + 2 ** -8 + 2 ** -23, 0x3f81],
    ["the greatest float32 becomes infinite", 3.4028234663852886e38, 0x7f80],
    ["-Infinity", -Infinity, 0xff80],
    ["-0", -0, 0x8000],
  ])("%s", (_, value, word) => expect(round(value)).toBe(word));

  test("all 65536 words come back as they were; a NaN stays a NaN", () => {
    const data = Uint16Array.from({ length: 65536 }, (_, word) => word);
    const values = toFloat32({ dtype: "BF16", shape: [65536], data });
    const back = fromFloat32(values, "BF16");
    const again = toFloat32({ dtype: "BF16", shape: [65536], data: back });
    expect(again).toEqual(values);
    expect(data.every((word, i) => Number.isNaN(values[i]) || back[i] === word)).toBe(true);
  });
});

test("F64 is rounded to float32, F32 is the same array, and an integer is refused", () => {
  expect(toFloat32({ dtype: "F64", shape: [1], data: Float64Array.of(0.1) })[0]).toBe(Math.fround(0.1));
  const data = Float32Array.of(1);
  expect(toFloat32({ dtype: "F32", shape: [1], data })).toBe(data);
  expect(fromFloat32(data, "F32")).toBe(data);
  expect(() => toFloat32({ dtype: "I32", shape: [1], data: Int32Array.of(1) })).toThrow(EtalonError);
  expect(() => fromFloat32(data, "I32" as "F32")).toThrow('dtype is "I32"; allowed: F32, F16, BF16.');
});
