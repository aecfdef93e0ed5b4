import "@etalon/testkit";
import { goldenJson } from "@etalon/testkit";
import { describe, expect, test } from "vitest";
import { draws } from "../test/support/draws.ts";
import { thrown } from "../test/support/thrown.ts";
import { logProb, policyGradient, rollout } from "./index.ts";

type Rows = number[][];
interface Golden {
  dim: number;
  clip: number;
  inputs: Record<"x_t" | "o" | "o_u" | "o_c" | "o_ref" | "o_ref_u" | "o_ref_c", Rows>;
  cases: {
    name: string;
    reduction: "mean" | "sum";
    guidance: number | null;
    beta: number;
    A: number;
    Bm: number;
    std: number;
    advantages: number[];
    log_prob_old_sum: number[];
    x_s: Rows;
    log_prob_sum: number[];
    ratio: number[];
    total: number[];
    kl: number[];
    clipped_fraction: number;
    grad_o?: Rows;
    grad_o_c?: Rows;
    grad_o_u?: Rows;
  }[];
}

const golden = goldenJson("policy_update.json") as Golden;
const flat = (rows: Rows) => Float32Array.from(rows.flat());

describe("golden: torch autograd in float64", () => {
  test.each(golden.cases)("$name", (c) => {
    const { inputs } = golden;
    const guided = c.guidance !== null;
    const step = {
      next: flat(c.x_s),
      x: flat(inputs.x_t),
      cond: flat(guided ? inputs.o_c : inputs.o),
      uncond: guided ? flat(inputs.o_u) : undefined,
      guidance: c.guidance ?? undefined,
      map: { a: c.A, b: c.Bm, std: c.std },
      dim: golden.dim,
    };
    const reference = { cond: flat(guided ? inputs.o_ref_c : inputs.o_ref), uncond: flat(inputs.o_ref_u) };
    expect(logProb(step)).toBeAllclose(c.log_prob_sum, { rtol: 1e-12, atol: 0 });
    const got = policyGradient({
      ...step,
      oldLogp: c.log_prob_old_sum,
      advantage: c.advantages,
      clip: golden.clip,
      reduction: c.reduction,
      kl: c.beta > 0 ? { weight: c.beta, ...reference } : undefined,
    });
    expect(got.ratio).toBeAllclose(c.ratio, { rtol: 1e-11, atol: 0 });
    expect(got.loss).toBeAllclose(c.total, { rtol: 1e-11, atol: 1e-14 });
    if (c.beta > 0) expect(got.kl).toBeAllclose(c.kl, { rtol: 1e-11, atol: 0 });
    expect(got.clipped.reduce((a, b) => a + b) / got.clipped.length).toBeCloseTo(c.clipped_fraction, 12);
    // Gradients come back as float32: half an ulp.
    const rounding = { rtol: 6e-8, atol: 1e-12 };
    expect(got.gradCond).toBeAllclose((c.grad_o_c ?? c.grad_o!).flat(), rounding);
    if (guided) expect(got.gradUncond).toBeAllclose(c.grad_o_u!.flat(), rounding);
    else expect(got.gradUncond).toBeUndefined();
  });
});

const dim = 3000;
const map = { a: 0.9, b: -0.3, std: 0.2 };
const x = draws(2 * dim, 1);
const cond = draws(2 * dim, 2);

test("is the derivative of its own loss, guidance and KL included", () => {
  const uncond = draws(2 * dim, 3);
  const next = draws(2 * dim, 4);
  const kl = { weight: 0.3, cond: draws(2 * dim, 5), uncond: draws(2 * dim, 6) };
  const base = { next, x, cond, uncond, guidance: 3, map, dim, kl, clip: 10, reduction: "mean" as const };
  const oldLogp = logProb(base).map((p) => p + 20);
  const at = (changed: object) => policyGradient({ ...base, oldLogp, advantage: [1.5, -0.7], ...changed });
  const { gradCond, gradUncond } = at({});
  for (const [name, array, gradient] of [
    ["cond", cond, gradCond],
    ["uncond", uncond, gradUncond!],
  ] as const) {
    for (const i of [0, 1500, dim + 7]) {
      const moved = (by: number) => at({ [name]: array.with(i, array[i] + by) }).loss[Math.floor(i / dim)];
      const [up, down] = [array.with(i, array[i] + 2 ** -6)[i], array.with(i, array[i] - 2 ** -6)[i]];
      expect((moved(2 ** -6) - moved(-(2 ** -6))) / (up - down)).toBeCloseTo(gradient[i], 7);
    }
  }
});

test("the ratio of a step just drawn is 1, exactly, and its gradient the plain policy gradient", () => {
  const key = { seed: 5n, step: 3, samples: Uint32Array.of(0, 8) };
  const { next, logp } = rollout({ x, cond, map, key, dim });
  const got = policyGradient({
    next,
    x,
    cond,
    map,
    dim,
    oldLogp: logp,
    advantage: [2, -1],
    clip: 1e-4,
    reduction: "mean",
  });
  expect(got.ratio).toEqual(Float64Array.of(1, 1));
  expect(got.loss).toEqual(Float64Array.of(-2, 1));
  expect(got.clipped).toEqual(Float64Array.of(0, 0));
  const mean = 0.9 * x[9] - 0.3 * cond[9];
  expect(got.gradCond[9]).toBeCloseTo((-2 * ((next[9] - mean) / map.std ** 2) * map.b) / dim, 8);
});

test("a clipped sample gives no gradient, on the side where the clip acts", () => {
  const next = draws(2 * dim, 4);
  const oldLogp = logProb({ next, x, cond, map, dim }).map((p) => p - 0.5 * dim); // ratio e^½
  const common = { next, x, cond, map, dim, oldLogp, clip: 0.1, reduction: "mean" as const };
  const got = policyGradient({ ...common, advantage: [1, -1] });
  expect(got.clipped).toEqual(Float64Array.of(1, 1));
  expect(got.loss).toBeAllclose([-1.1, Math.exp(0.5)], { rtol: 1e-12, atol: 0 });
  expect(got.gradCond.subarray(0, dim).every((g) => g === 0)).toBe(true);
  expect(got.gradCond[dim]).not.toBe(0);
});

const fine = {
  next: x,
  x,
  cond,
  map,
  dim,
  oldLogp: [0, 0],
  advantage: [1, 1],
  clip: 0.1,
  reduction: "mean" as const,
};
test.each([
  [
    { map: { ...map, std: 0 } },
    "map.std is 0; allowed: a finite number > 0. A deterministic step has no policy gradient.",
  ],
  [{ clip: -1 }, "clip is -1; allowed: a finite number ≥ 0."],
  [{ advantage: [1, Number.NaN] }, "advantage[1] is NaN; allowed: a finite number."],
  [{ oldLogp: [1] }, "oldLogp is [1]; allowed: 2 items. One number a sample."],
  [
    { guidance: 3 },
    "uncond is undefined; allowed: a Float32Array, as guidance is 3. Guidance 1 needs no unconditional output.",
  ],
  [{ cond: cond.with(7, Number.NaN) }, "cond[7] is NaN; allowed: finite numbers."],
  [{ kl: { weight: 1, cond: cond.with(3, Infinity) } }, "kl.cond[3] is Infinity; allowed: finite numbers."],
  [
    { kl: { weight: 1, cond: x.subarray(1) } },
    "kl.cond is Float32Array of length 5999; allowed: 6000 items. It is [2 samples, dim = 3000], as x.",
  ],
  [
    { oldLogp: [-1e9, 0] },
    "sample 0 has a result that is not finite: the inputs are finite, but too far apart for their std.",
  ],
])("refuses: %#", (wrong, message) => {
  expect(thrown(() => policyGradient({ ...fine, ...wrong })).message).toBe(message);
});

test("refuses a reduction by its nearest name", () => {
  const wrong = { ...fine, reduction: "means" as "mean" };
  expect(thrown(() => policyGradient(wrong)).message).toBe(
    'reduction is "means"; allowed: mean, sum. Did you mean "mean"?',
  );
});
