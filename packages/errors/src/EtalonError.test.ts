import { describe, expect, test } from "vitest";
import { check, EtalonError, nearest } from "./index.ts";

const thrown = (f: () => unknown): EtalonError => {
  try {
    f();
  } catch (e) {
    if (EtalonError.is(e)) return e;
    throw e;
  }
  throw new Error("nothing was thrown");
};

describe("EtalonError", () => {
  test("says argument, value, what is allowed and what to do, in one line", () => {
    const error = new EtalonError("OUT_OF_RANGE", {
      argument: "eta",
      value: -0.3,
      allowed: "a number ≥ 0",
      hint: "0 gives the deterministic sampler.",
    });
    expect(String(error)).toBe("EtalonError: eta is -0.3; allowed: a number ≥ 0. 0 gives the deterministic sampler.");
    expect(error.code).toBe("OUT_OF_RANGE");
  });

  test("is known by its mark, also when it comes from another copy", () => {
    const stranger = Object.assign(new Error("x"), { [Symbol.for("@etalon/errors/EtalonError")]: true });
    expect(EtalonError.is(stranger)).toBe(true);
    expect(EtalonError.is(new Error("x"))).toBe(false);
    expect(EtalonError.is(null)).toBe(false);
  });

  test("keeps the cause, and survives cyclic values", () => {
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    const error = new EtalonError("BAD_TYPE", { argument: "a", value: cycle }, { cause: 7 });
    expect(error.cause).toBe(7);
    expect(error.message).toBe("a is [object Object].");
  });
});

describe("check", () => {
  test.each([
    [() => check.range("eta", Number.NaN, { min: 0 }), "eta is NaN; allowed: a finite number ≥ 0."],
    [() => check.range("eta", "1", { min: 0 }), 'eta is "1"; allowed: a finite number ≥ 0.'],
    [() => check.range("t", 1, { above: 0, below: 1 }), "t is 1; allowed: a finite number > 0 and < 1."],
    [() => check.count("steps", 2.5), "steps is 2.5; allowed: a whole number ≥ 1."],
    [
      () => check.oneOf("spacing", "leadin", ["leading", "trailing"]),
      'spacing is "leadin"; allowed: leading, trailing. Did you mean "leading"?',
    ],
    [
      () => check.length("advantage", new Float64Array(2), 3),
      "advantage is Float64Array of length 2; allowed: 3 items.",
    ],
    [() => check.text("prompt", " "), 'prompt is " "; allowed: a text that is not empty.'],
  ])("refuses: %#", (f, message) => {
    expect(thrown(f).message).toBe(message);
  });

  test("gives back what it lets through, ends included", () => {
    expect(check.range("eta", 0, { min: 0 })).toBe(0);
    expect(check.count("n", 1)).toBe(1);
    expect(check.oneOf("x", "b", ["a", "b"])).toBe("b");
  });
});

test("nearest finds a slip of the fingers, and nothing where nothing is near", () => {
  expect(nearest("learningrate", ["clip", "learningRate"])).toBe("learningRate");
  expect(nearest("zzz", ["clip", "learningRate"])).toBeUndefined();
});
