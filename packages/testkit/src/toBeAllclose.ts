import { expect } from "vitest";

/** Tolerances as numpy's allclose has them: |actual − expected| ≤ atol + rtol·|expected|. */
export interface Tolerance {
  atol?: number;
  rtol?: number;
}

interface AllcloseMatchers<R> {
  /** Every item within tolerance of its twin; the message tells the worst index and both values. NaN is never close. */
  toBeAllclose(expected: ArrayLike<number>, tolerance?: Tolerance): R;
}

declare module "vitest" {
  // biome-ignore lint/suspicious/noExplicitAny: vitest's own interface is generic over any
  interface Assertion<T = any> extends AllcloseMatchers<T> {}
}

expect.extend({
  toBeAllclose(actual: ArrayLike<number>, expected: ArrayLike<number>, { atol = 0, rtol = 0 }: Tolerance = {}) {
    if (actual.length !== expected.length) {
      return { pass: false, message: () => `lengths differ: ${actual.length}, expected ${expected.length}` };
    }
    let worst = -1;
    let excess = 0;
    for (let i = 0; i < expected.length; i++) {
      const over = Math.abs(actual[i] - expected[i]) - (atol + rtol * Math.abs(expected[i]));
      if (actual[i] !== expected[i] && !(over <= 0) && !(over <= excess)) {
        [worst, excess] = [i, Number.isNaN(over) ? Infinity : over];
      }
    }
    const where = worst < 0 ? "all close" : `worst at [${worst}]: ${actual[worst]}, expected ${expected[worst]}`;
    return { pass: worst < 0, message: () => `${where} (atol ${atol}, rtol ${rtol}, ${expected.length} items)` };
  },
});
