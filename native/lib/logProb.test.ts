import "@etalon/testkit";
import { expect, test } from "vitest";
import { draws } from "../test/support/draws.ts";
import { thrown } from "../test/support/thrown.ts";
import { logProb } from "./index.ts";

const map = { a: 0.93, b: -0.21, std: 0.4 };

test("a million elements, to 1e-12 of a compensated sum", () => {
  const dim = 1_000_000;
  const [next, x, cond, uncond] = [1, 2, 3, 4].map((salt) => draws(dim, salt));
  let sum = 0;
  let lost = 0; // Kahan
  for (let i = 0; i < dim; i++) {
    const mean = map.a * x[i] + map.b * (uncond[i] + 4 * (cond[i] - uncond[i]));
    const term = ((next[i] - mean) / map.std) ** 2 - lost;
    const more = sum + term;
    lost = more - sum - term;
    sum = more;
  }
  const expected = -0.5 * sum - dim * Math.log(map.std) - 0.5 * dim * Math.log(2 * Math.PI);
  expect(logProb({ next, x, cond, uncond, guidance: 4, map, dim })).toBeAllclose([expected], { rtol: 1e-12, atol: 0 });
});

test("one element at its mean has the density 1 / (std √2π)", () => {
  const one = Float32Array.of(1);
  const at = { next: one, x: one, cond: one, map: { a: 0.25, b: 0.75, std: 0.5 }, dim: 1 };
  expect(logProb(at)[0]).toBeCloseTo(-Math.log(0.5 * Math.sqrt(2 * Math.PI)), 15);
});

const x = draws(10, 1);
test.each([
  [
    { map: { ...map, std: 0 } },
    "map.std is 0; allowed: a finite number > 0. A deterministic step has no log-probability.",
  ],
  [{ dim: 3 }, "x is Float32Array of length 10; allowed: a Float32Array of a multiple of dim = 3 elements."],
  [
    { x: new Float32Array() },
    "x is Float32Array of length 0; allowed: a Float32Array of a multiple of dim = 5 elements.",
  ],
  [{ next: x.subarray(2) }, "next is Float32Array of length 8; allowed: 10 items. It is [2 samples, dim = 5], as x."],
  [{ next: x.with(4, Number.NaN) }, "next[4] is NaN; allowed: finite numbers."],
])("refuses: %#", (wrong, message) => {
  expect(thrown(() => logProb({ next: x, x, cond: x, map, dim: 5, ...wrong })).message).toBe(message);
});
