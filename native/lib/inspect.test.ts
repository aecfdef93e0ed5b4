import { describe, expect, test } from "vitest";
import { forms } from "../test/support/forms.ts";
import { thrown } from "../test/support/thrown.ts";
import { inspect, logProb, policyGradient, rollout } from "./index.ts";

const dim = 40_000;
const clean = new Float32Array(dim).fill(0.5);
const dirty = clean.slice();
dirty.set([Number.NaN, Number.NaN], 777);
dirty[30_000] = -Infinity;
dirty[9] = 1e-40;

test("counts and finds what is no normal number", () => {
  const none = { count: 0, first: -1 };
  expect(inspect(clean)).toEqual({ nan: none, infinite: none, subnormal: none });
  expect(inspect(dirty)).toEqual({
    nan: { count: 2, first: 777 },
    infinite: { count: 1, first: 30_000 },
    subnormal: { count: 1, first: 9 },
  });
  const words = Uint16Array.of(0, 0x8000, 0x3c00, 0x0400, 0x03ff, 0x7c00, 0xfe00);
  expect(inspect(words, "float16")).toEqual({
    nan: { count: 1, first: 6 },
    infinite: { count: 1, first: 5 },
    subnormal: { count: 1, first: 4 },
  });
  expect(thrown(() => inspect(words)).message).toMatch(/allowed: a Float32Array, or a Uint16Array with a dtype\.$/);
});

describe.each(forms)("%s", (_, form) => {
  test("all 65,536 words of both types, by their bits", () => {
    const words = Uint16Array.from({ length: 65_536 }, (_, word) => word);
    const count = (half: 1 | 2) => {
      const found = new Float64Array(6);
      form.inspect(words, half, found);
      return [...found];
    };
    expect(count(1)).toEqual([2 * 127, 2, 2 * 127, 0x7f81, 0x7f80, 1]);
    expect(count(2)).toEqual([2 * 1023, 2, 2 * 1023, 0x7c01, 0x7c00, 1]);
  });
});

describe("check: true", () => {
  const map = { a: 0.9, b: -0.3, std: 0.2 };
  const key = { seed: 5n, step: 3, samples: Uint32Array.of(0) };
  const out = new Float32Array(dim).fill(7);

  test("reports every input by count and first index, before anything is written", () => {
    const error = thrown(() => rollout({ x: clean, cond: dirty, map, key, dim, out, check: true }));
    expect(error.code).toBe("NOT_FINITE");
    expect(error.message).toBe(
      "cond[777] is NaN; allowed: finite numbers, none subnormal. " +
        "Found cond: 2 NaN, first at 777; cond: 1 infinite, first at 30000; cond: 1 subnormal, first at 9.",
    );
    expect(out.every((value) => value === 7)).toBe(true);
  });

  test("subnormal numbers alone are refused by true, and pass with 'finite' and without", () => {
    const faint = clean.with(9, 1e-40);
    const step = { x: faint, cond: clean, map, key, dim };
    const error = thrown(() => rollout({ ...step, check: true }));
    expect(error.code).toBe("OUT_OF_RANGE");
    expect(error.message).toMatch(/^x\[9\] is 9\.9+\d*e-41; .* Found x: 1 subnormal, first at 9\.$/);
    const { logp, next } = rollout({ ...step, check: "finite" });
    expect(logp).toEqual(rollout(step).logp);
    const wrong = () => logProb({ ...step, next, check: "often" as "finite" });
    expect(thrown(wrong).message).toMatch(/^check is "often"; allowed: true, false, finite\./);
  });

  test("a clean call is as without it; logProb and policyGradient look at all their arrays", () => {
    const step = { next: clean, x: clean, cond: clean, map, dim };
    expect(logProb({ ...step, check: true })).toEqual(logProb(step));
    const learn = {
      ...step,
      oldLogp: logProb(step),
      advantage: [1],
      clip: 0.2,
      reduction: "mean" as const,
      check: true,
    };
    expect(policyGradient(learn).ratio).toEqual(Float64Array.of(1));
    const kl = { weight: 1, cond: dirty };
    expect(thrown(() => policyGradient({ ...learn, kl })).message).toMatch(
      /^kl\.cond\[777\] is NaN; .*kl\.cond: 2 NaN/,
    );
    expect(thrown(() => logProb({ ...step, next: dirty, check: true })).message).toMatch(/^next\[777\] is NaN; /);
  });
});
