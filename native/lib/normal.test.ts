import { describe, expect, test } from "vitest";
import { expectSameBits } from "../test/support/expectSameBits.ts";
import { forms } from "../test/support/forms.ts";
import { thrown } from "../test/support/thrown.ts";
import { normal, setThreads } from "./index.ts";

const key = { seed: 42n, step: 1, samples: Uint32Array.of(1, 9) };

test("a sample's noise depends on seed, step, id and element only", () => {
  const dim = 70_001;
  const both = normal({ key, dim });
  for (const [i, id] of [1, 9].entries()) {
    expectSameBits(
      normal({ key: { ...key, samples: Uint32Array.of(id) }, dim }),
      both.subarray(i * dim, (i + 1) * dim),
    );
  }
  expectSameBits(normal({ key, dim: 1003 }).subarray(0, 1003), both.subarray(0, 1003)); // a shorter sample is a prefix
  for (const other of [{ seed: 43n }, { seed: 42n + 2n ** 32n }, { step: 2 }, { samples: Uint32Array.of(2, 9) }]) {
    expect(normal({ key: { ...key, ...other }, dim: 64 })[0]).not.toBe(both[0]);
  }
});

test("is the same for any number of threads", () => {
  const one = normal({ key, dim: 200_000 });
  for (const threads of [1, 2, 3, 7]) {
    setThreads(threads);
    expectSameBits(normal({ key, dim: 200_000 }), one);
  }
});

describe.each(forms)("%s", (_, form) => {
  test("keeps for ever the numbers of seed 42, step 1, sample 1", () => {
    const out = new Float32Array(8);
    form.normal(42n, 1, Uint32Array.of(1), 8, out);
    expect([...out]).toEqual(
      [0.263976604, -1.7268461, -0.0712977201, -0.913817108, 0.452640533, 0.159908354, -0.460833669, -1.61344242].map(
        Math.fround,
      ),
    );
  });

  test("has the moments of N(0, 1), and independent neighbours", () => {
    const n = 1 << 19;
    const z = new Float32Array(n);
    form.normal(7n, 0, Uint32Array.of(3), n, z);
    const moment = (f: (v: number, i: number) => number) => z.reduce((sum, v, i) => sum + f(v, i), 0) / n;
    // Five standard errors of each: √(1/n), √(2/n), √(15/n), √(96/n), √(1/n).
    const within = (value: number, expected: number, variance: number) =>
      expect(Math.abs(value - expected)).toBeLessThan(5 * Math.sqrt(variance / n));
    within(
      moment((v) => v),
      0,
      1,
    );
    within(
      moment((v) => v ** 2),
      1,
      2,
    );
    within(
      moment((v) => v ** 3),
      0,
      15,
    );
    within(
      moment((v) => v ** 4),
      3,
      96,
    );
    for (const lag of [1, 2, 3, 4])
      within(
        moment((v, i) => v * (z[i + lag] ?? 0)),
        0,
        1,
      );
    const sorted = z.toSorted();
    for (const [quantile, share] of [
      [-1.959963985, 0.025],
      [0, 0.5],
      [1, 0.841344746],
      [3, 0.998650102],
    ]) {
      within(sorted.findIndex((v) => v > quantile) / n, share, share * (1 - share));
    }
  });
});

test("writes into the caller's array", () => {
  const out = new Float32Array(20);
  expect(normal({ key, dim: 10, out })).toBe(out);
  expect(out).toEqual(normal({ key, dim: 10 }));
});

test.each([
  [{ key: { ...key, seed: 1 as unknown as bigint } }, "key.seed is 1; allowed: a bigint from 0 to 2^64 − 1."],
  [{ key: { ...key, seed: -1n } }, "key.seed is -1n; allowed: a bigint from 0 to 2^64 − 1."],
  [{ key: { ...key, step: 0.5 } }, "key.step is 0.5; allowed: a whole number ≥ 0 and ≤ 4294967295."],
  [{ key: { ...key, samples: new Uint32Array() } }, "key.samples is Uint32Array of length 0; allowed: one id or more."],
  [{ dim: 2 ** 31 }, "dim is 2147483648; allowed: a whole number ≥ 1 and ≤ 2147483647."],
  [{ out: new Float32Array(7) }, "out is Float32Array of length 7; allowed: 20 items."],
])("refuses: %#", (wrong, message) => {
  expect(thrown(() => normal({ key, dim: 10, ...wrong })).message).toBe(message);
});
