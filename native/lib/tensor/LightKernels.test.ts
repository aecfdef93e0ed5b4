import { describe, expect, test } from "vitest";
import { lightKernels } from "./LightKernels.ts";

const light = lightKernels();

/** Largest error over float32 numbers of every magnitude in [low, high], in units of the last place of the correctly rounded result; results below 2^−126 in units of 2^−149. */
function largestError(name: string, exact: (x: number) => number, low: number, high: number): number {
  const bits = new Uint32Array(400_000);
  const x = new Float32Array(bits.buffer);
  for (let i = 0; i < bits.length; i++) bits[i] = Math.imul(i, 2654435761) >>> 0;
  const inside = x.filter((value) => value >= low && value <= high);
  const y = new Float32Array(inside.length);
  light!.unary(light!.operations().unary.indexOf(name), inside, y);
  let worst = 0;
  for (const [i, value] of inside.entries()) {
    const truth = exact(value);
    const unit = 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(truth) || 2 ** -149))) - 23);
    if (Math.fround(truth) !== y[i]) worst = Math.max(worst, Math.abs(y[i] - truth) / unit);
  }
  return worst;
}

/** By its series, or its continued fraction from 2 on. */
function erf(x: number): number {
  const s = Math.abs(x);
  if (s < 2) {
    let [term, sum] = [x, x];
    for (let n = 1; n < 60; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let k = 80; k > 0; k--) fraction = k / 2 / (s + fraction);
  return Math.sign(x) * (1 - Math.exp(-s * s) / (Math.sqrt(Math.PI) * (s + fraction)));
}

describe.skipIf(light === undefined)("vector functions", () => {
  test.each<[string, (x: number) => number, number, number, number]>([
    ["exp", Math.exp, -104, 88.72, 2],
    ["expm1", Math.expm1, -104, 88.72, 3],
    ["log", Math.log, 0, 3.4e38, 2],
    ["log1p", Math.log1p, -1, 3.4e38, 4],
    ["tanh", Math.tanh, -3.4e38, 3.4e38, 4],
    ["sigmoid", (x) => 1 / (1 + Math.exp(-x)), -87, 3.4e38, 4],
    ["softplus", (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), -87, 3.4e38, 4],
    ["erf", erf, -3.4e38, 3.4e38, 4],
  ])("%s", (name, exact, low, high, units) => {
    const error = largestError(name, exact, low, high);
    expect(error, `${name}: ${error.toFixed(2)} units`).toBeLessThan(units);
  }); // biome-ignore format: a table

  test("ends: NaN, infinities, zeros", () => {
    const x = Float32Array.of(Number.NaN, Infinity, -Infinity, 0, -0);
    const at = (name: string) => {
      const y = new Float32Array(5);
      light!.unary(light!.operations().unary.indexOf(name), x, y);
      return Array.from(y);
    };
    expect(at("exp")).toEqual([Number.NaN, Infinity, 0, 1, 1]);
    expect(at("expm1")).toEqual([Number.NaN, Infinity, -1, 0, -0]);
    expect(at("log")).toEqual([Number.NaN, Infinity, Number.NaN, -Infinity, -Infinity]);
    expect(at("log1p")).toEqual([Number.NaN, Infinity, Number.NaN, 0, -0]);
    expect(at("tanh")).toEqual([Number.NaN, 1, -1, 0, -0]);
    expect(at("erf")).toEqual([Number.NaN, 1, -1, 0, -0]);
    expect(at("sigmoid")).toEqual([Number.NaN, 1, 0, 0.5, 0.5]);
  });
});

describe.skipIf(light === undefined)("what would crash is refused, and nothing is written", () => {
  const [a, b] = [new Float32Array(8).fill(1), new Float32Array(8)];
  test.each<[string, () => unknown, string]>([
    ["another length", () => light!.unary(0, a, new Float32Array(7)), "differ in length"],
    ["shared memory", () => light!.unary(0, a, a), "share memory"],
    ["another kind", () => light!.unary(0, new Int32Array(8) as never, b), "another kind"],
    ["no operation", () => light!.unary(999, a, b), "no such operation"],
    ["a layout past an operand", () => light!.binary(0, a, new Float32Array(4), b, Float64Array.of(1, 8, 1, 1)), "too short"],
    ["a layout of another size", () => light!.binary(0, a, a, b, Float64Array.of(1, 7, 1, 1)), "another size"],
    ["a copy out of bounds", () => light!.copy(a, 1, b, 0, Float64Array.of(1, 8, 1, 1)), "leaves an array"],
    ["a copy before the start", () => light!.copy(a, 0, b, 0, Float64Array.of(1, 8, -1, 1)), "leaves an array"],
    ["a weight of more rows than it has", () => light!.turn(a, b, 4, 2, 1, 4, 1), "do not fit"],
    ["a weight of another size", () => light!.turn(a, b, 3, 2, 1, 4, 0), "do not fit"],
    ["a weight of bytes", () => light!.turn(new Uint8Array(8) as never, new Uint8Array(8) as never, 4, 2, 1, 4, 0), "neither Float32Array nor Uint16Array"],
    ["float32 for words", () => light!.firstNotFinite(0, a), "another kind"],
    ["a reduction of nothing", () => light!.reduce(0, new Float32Array(0), new Float32Array(1), 1, 0, 1), "do not fit"],
    ["a size that is no number", () => light!.allocate(Number.NaN), "no whole number"],
    ["a buffer of another", () => light!.release(new ArrayBuffer(64)), "not one that allocate gave"],
  ])("%s", (_, f, message) => {
    expect(f).toThrow(message);
    expect(b).toEqual(new Float32Array(8));
  }); // biome-ignore format: a table

  test("an index outside is told by its place", () => {
    const at = Int32Array.of(1, 0, 4, -1);
    expect(light!.gather(a, at, b, 1, 1, 4, 2, 4)).toBe(2);
    expect(light!.gather(a, Int32Array.of(3, 0, 1, 2), b, 1, 1, 4, 2, 4)).toBe(-1);
  });
});
