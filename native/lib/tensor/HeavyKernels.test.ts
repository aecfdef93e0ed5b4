import { EtalonError } from "@etalon/errors";
import { describe, expect, test } from "vitest";
import { close } from "../../test/support/close.ts";
import { draws } from "../../test/support/draws.ts";
import { backend } from "../backend.ts";
import { type Gemm, type Heads, type HeavyKernels, heavyKernels } from "./index.ts";

const native = backend().name !== "portable";
const kernels = heavyKernels() as HeavyKernels;

test("there are none in the portable form, and some in any other", () => {
  expect(heavyKernels() !== undefined).toBe(native);
});

/** The C++ tests have the mathematics; here is what the border adds: numbers in their places, defaults, windows, refusals. */
describe.runIf(native)("the border", () => {
  test("gemm: offsets, leading dimensions, a batch, a bias, an activation and what goes into it", () => {
    const [m, n, k] = [3, 5, 4];
    const a = draws(60, 1);
    const b = draws(60, 2);
    const bias = draws(n, 3);
    const c = new Float32Array(50).fill(9);
    const preactivation = new Float32Array(50);
    const at = { aOffset: 2, lda: 6, aStride: 20, bOffset: 1, ldb: 7, bStride: 0, cOffset: 3, ldc: 6, cStride: 20 };
    kernels.gemm({ a, b, c, m, n, k, batch: 2, ...at, bias, activation: "relu", preactivation });
    for (let t = 0; t < 2; t++) {
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = bias[j];
          for (let p = 0; p < k; p++) sum += a[2 + 20 * t + 6 * i + p] * b[1 + 7 * p + j];
          expect(c[3 + 20 * t + 6 * i + j]).toBeCloseTo(Math.max(sum, 0), 5);
          expect(preactivation[3 + 20 * t + 6 * i + j]).toBeCloseTo(sum, 5);
        }
      }
    }
    expect([c[0], c[2], c[8], c[49]]).toEqual([9, 9, 9, 9]);
  });

  test("gemm: both transposes, and c += ", () => {
    const c = Float32Array.of(1, 1, 1, 1);
    const a = Float32Array.of(1, 2, 3, 4, 5, 6);
    kernels.gemm({ a, b: a, c, m: 2, n: 2, k: 3, transposeA: true, transposeB: true, accumulate: true });
    expect([...c]).toEqual([1 + 22, 1 + 49, 1 + 28, 1 + 64]);
  });

  test("gemm: a residual at c's offset; conv2d: an image's own bias, and a residual", () => {
    const [a, b] = [Float32Array.of(1, 2, 3, 4), Float32Array.of(1, 0, 0, 1)];
    const [c, residual] = [new Float32Array(5), Float32Array.of(9, 10, 20, 30, 40)];
    kernels.gemm({ a, b, c, m: 2, n: 2, k: 2, cOffset: 1, residual });
    expect([...c]).toEqual([0, 11, 22, 33, 44]);
    const pixel = { filterHeight: 1, filterWidth: 1, outHeight: 1, outWidth: 2, outChannels: 1 };
    const y = new Float32Array(4);
    const filter = Float32Array.of(2);
    const more = { bias: Float32Array.of(100), shift: Float32Array.of(1000, 2000), residual: Float32Array.of(1, 2, 3, 4) };
    kernels.conv2d({ batch: 2, height: 1, width: 2, inChannels: 1, ...pixel, x: a, filter, y, ...more });
    expect([...y]).toEqual([1103, 1106, 2109, 2112]);
    expect(() => kernels.gemm({ a, b, c, m: 2, n: 2, k: 2, cOffset: 1, residual: b })).toThrow("length of residual is 4; allowed: at least 5.");
  }); // biome-ignore format: long lines

  test("linearGradients: those that are asked for", () => {
    const [rows, inputs, outputs] = [3, 2, 4];
    const [x, w, dy] = [draws(rows * inputs, 1), draws(inputs * outputs, 2), draws(rows * outputs, 3)];
    const dx = new Float32Array(rows * inputs);
    const dw = new Float32Array(inputs * outputs);
    const db = new Float32Array(outputs);
    kernels.linearGradients({ rows, inputs, outputs, dy, x, w, dx, dw, db });
    const plain = new Float32Array(rows * inputs);
    kernels.gemm({ a: dy, b: w, c: plain, m: rows, n: inputs, k: outputs, transposeB: true });
    close(dx, plain);
    const alone = new Float32Array(outputs);
    kernels.linearGradients({ rows, inputs, outputs, dy, db: alone });
    expect([...alone]).toEqual([...db]);
    close(
      db,
      [0, 1, 2, 3].map((j) => dy[j] + dy[4 + j] + dy[8 + j]),
    );
    close(dw.subarray(0, 1), [x[0] * dy[0] + x[2] * dy[4] + x[4] * dy[8]]);
  });

  test("attention: heads inside a qkv row; its gradients come back into one", () => {
    const [batch, heads, n, d] = [2, 3, 5, 4];
    const qkv = draws(batch * n * 3 * heads * d, 1);
    const row = 3 * heads * d;
    const part = (data: Float32Array, i: number): Heads => ({
      data,
      offset: i * heads * d,
      batch: n * row,
      head: d,
      row,
    });
    const whole = (data: Float32Array): Heads => ({ data, batch: n * heads * d, head: d, row: heads * d });
    const out = new Float32Array(batch * n * heads * d);
    const logSumExp = new Float32Array(batch * heads * n);
    const forward = {
      batch,
      heads,
      queries: n,
      keys: n,
      depth: d,
      q: part(qkv, 0),
      k: part(qkv, 1),
      v: part(qkv, 2),
      out: whole(out),
      logSumExp,
    };
    kernels.attention(forward);
    const loss = (): number => {
      kernels.attention(forward);
      return out.reduce((sum, value, i) => sum + value * weight[i], 0);
    };
    const weight = draws(out.length, 2);
    const d_qkv = new Float32Array(qkv.length);
    const gradients = { dq: part(d_qkv, 0), dk: part(d_qkv, 1), dv: part(d_qkv, 2) };
    kernels.attentionGradients({ ...forward, dOut: whole(weight), ...gradients });
    for (const i of [0, 7, 13, 50, 131, qkv.length - 1]) {
      const kept = qkv[i];
      qkv[i] = kept + 0.01;
      const above = loss();
      qkv[i] = kept - 0.01;
      const below = loss();
      qkv[i] = kept;
      expect(d_qkv[i]).toBeCloseTo((above - below) / 0.02, 3);
    }
  });

  test("conv2d and its gradients: two strides, a dilation, paddings of their own", () => {
    const sizes = {
      batch: 2,
      height: 5,
      width: 6,
      inChannels: 3,
      filterHeight: 2,
      filterWidth: 3,
      outHeight: 3,
      outWidth: 4,
      outChannels: 4,
      strideHeight: 2,
      dilationWidth: 2,
      padTop: 1,
      padLeft: 1,
    };
    const [x, filter, bias, dy] = [draws(180, 1), draws(72, 2), draws(4, 3), draws(96, 4)];
    const [y, dx, dFilter, dBias] = [96, 180, 72, 4].map((length) => new Float32Array(length));
    kernels.conv2d({ ...sizes, x, filter, bias, y });
    kernels.conv2dInputGradient({ ...sizes, dy, filter, dx });
    kernels.conv2dFilterGradient({ ...sizes, x, dy, dFilter, dBias });
    const [wantY, wantX, wantFilter] = [y.map((_, i) => bias[i % 4]), new Float32Array(180), new Float32Array(72)];
    for (let at = 0; at < 96 * 18; at++) {
      const [to, tap, c] = [Math.floor(at / 18), Math.floor((at % 18) / 3), at % 3];
      const [b, i, j, o] = [Math.floor(to / 48), Math.floor(to / 16) % 3, Math.floor(to / 4) % 4, to % 4];
      const [row, column] = [2 * i - 1 + Math.floor(tap / 3), j - 1 + 2 * (tap % 3)];
      if (row < 0 || row > 4 || column < 0 || column > 5) continue;
      const [from, weight] = [((b * 5 + row) * 6 + column) * 3 + c, (tap * 3 + c) * 4 + o];
      wantY[to] += x[from] * filter[weight];
      wantX[from] += dy[to] * filter[weight];
      wantFilter[weight] += dy[to] * x[from];
    }
    close(y, wantY);
    close(dx, wantX);
    close(dFilter, wantFilter);
    const sums = [0, 1, 2, 3].map((o) => dy.filter((_, i) => i % 4 === o).reduce((a, b) => a + b));
    close(dBias, sums);
  });

  const gemm: Gemm = { a: draws(6, 1), b: draws(6, 2), c: new Float32Array(4), m: 2, n: 2, k: 3 };
  test.each<[string, () => void, string]>([
    [
      "a short array",
      () => kernels.gemm({ ...gemm, c: new Float32Array(3) }),
      "length of c is 3; allowed: at least 4.",
    ],
    ["an offset past the end", () => kernels.gemm({ ...gemm, aOffset: 1 }), "length of a is 6; allowed: at least 7."],
    [
      "a size that is no whole number",
      () => kernels.gemm({ ...gemm, m: 1.5 }),
      "m is 1.5; allowed: a whole number from 0 to 2^53 − 1.",
    ],
    [
      "an unknown activation",
      () => kernels.gemm({ ...gemm, activation: "sliu" as never }),
      'activation is "sliu"; allowed: none, relu, silu, gelu-tanh, gelu-erf. Did you mean "silu"?',
    ],
    [
      "NaN as a size",
      () => kernels.gemm({ ...gemm, k: Number.NaN }),
      "k is NaN; allowed: a whole number from 0 to 2^53 − 1.",
    ],
    [
      "a size beyond all memory",
      () => kernels.gemm({ ...gemm, m: 2 ** 40 }),
      "length of a is 6; allowed: at least 3298534883328.",
    ],
    ["a leading dimension less than a row", () => kernels.gemm({ ...gemm, ldc: 1 }), "ldc is less than n."],
    [
      "another kind of array",
      () => kernels.gemm({ ...gemm, a: new Float64Array(6) as never }),
      "a is 0; allowed: a Float32Array.",
    ],
    [
      "lists of different lengths",
      () => kernels.ema([gemm.a], [gemm.a, gemm.b], 0.5),
      "length of values is 2; allowed: 1.",
    ],
    [
      "arrays of different lengths",
      () => kernels.ema([gemm.a], [gemm.c], 0.5),
      "length of values[0] is 4; allowed: 6.",
    ],
    ["a decay above 1", () => kernels.ema([], [], 2), "decay is outside [0, 1]."],
  ])("%s is an EtalonError, and nothing is written", (_, run, message) => {
    const before = [...gemm.c];
    let error: unknown;
    try {
      run();
    } catch (thrown) {
      error = thrown;
    }
    expect(EtalonError.is(error)).toBe(true);
    expect((error as Error).message).toBe(message);
    expect([...gemm.c]).toEqual(before);
  });
});
