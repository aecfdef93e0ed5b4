import { rectifiedFlow, stableDiffusion15, ve, vp } from "@etalon/schedules";
import { goldenJson } from "@etalon/testkit";
import { describe, expect, test } from "vitest";
import { gddimStep } from "./index.ts";

interface Oracle {
  rows: {
    sde: "vp" | "ve" | "rf";
    t: number;
    s: number;
    lam: number;
    x_t: number;
    eps: number;
    ode_mean: number;
    ode_var: number;
  }[];
}

/** The x̂0-frozen SDE, integrated numerically (DOP853, 1e-13) by an independent implementation. */
test("is the numerical solution of the SDE, 56 cases", () => {
  const paths = {
    vp: vp({ betaMin: 0.1, betaMax: 20 }),
    ve: ve({ sigmaMin: 0.03, sigmaMax: 14.6 }),
    rf: rectifiedFlow({ prediction: "epsilon" }),
  };
  const { rows } = goldenJson<Oracle>("gddim_oracle.json");
  const ours = rows.map(({ sde, t, s, lam, x_t, eps }) => {
    const { a, b, std } = gddimStep(paths[sde], t, s, lam);
    return { mean: a * x_t + b * eps, variance: std * std };
  });
  expect(rows).toHaveLength(56);
  expect(ours.map((o) => o.mean)).toBeAllclose(
    rows.map((row) => row.ode_mean),
    { rtol: 1e-9 },
  );
  expect(ours.map((o) => o.variance)).toBeAllclose(
    rows.map((row) => row.ode_var),
    { rtol: 1e-9 },
  );
});

describe("the ends", () => {
  const flow = rectifiedFlow();

  test("eta 0 on flow is Euler on the velocity, also from pure noise to the data", () => {
    for (const [t, s] of [
      [1, 0],
      [1, 0.9],
      [0.5, 0.4],
      [0.1, 0],
    ]) {
      const { a, b, std } = gddimStep(flow, t, s, 0);
      expect([a, b]).toBeAllclose([1, s - t], { atol: 1e-15 });
      expect(std).toBe(0);
    }
  });

  test("from α = 0 any eta > 0 re-draws all noise", () => {
    expect(gddimStep(flow, 1, 0.9, 1e-12)).toEqual({ a: 1 - 0.9, b: -(1 - 0.9), std: 0.9 });
  });

  test("a step to σ = 0 draws none, whatever eta", () => {
    for (const eta of [0, 1, 1e6]) expect(gddimStep(flow, 0.1, 0, eta)).toEqual({ a: 1, b: -0.1, std: 0 });
  });

  test("two equal times: the state stays", () => {
    for (const t of [0, 0.5, 1]) {
      const { a, b, std } = gddimStep(flow, t, t, 1.2);
      expect([a, Math.abs(b), std]).toEqual([1, 0, 0]);
    }
  });

  test("the smallest eta there is gives no NaN, from pure noise to the data", () => {
    expect(gddimStep(flow, 1, 0, Number.MIN_VALUE)).toEqual({ a: 1, b: -1, std: 0 });
  });

  test("eta 1e-12 has std eta·σ_s·√(2 log(1/r)), eta 1e6 and 1e200 have σ_s", () => {
    const gap = Math.log((0.6 / 0.4) * (0.5 / 0.5));
    expect(gddimStep(flow, 0.6, 0.5, 1e-12).std / (1e-12 * 0.5 * Math.sqrt(2 * gap))).toBeCloseTo(1, 12);
    expect(gddimStep(flow, 0.6, 0.5, 1e6).std).toBe(0.5);
    expect(gddimStep(flow, 0.6, 0.5, 1e200).std).toBe(0.5);
  });

  test("an ε-model tells no x0 at α = 0", () => {
    expect(() => gddimStep(rectifiedFlow({ prediction: "epsilon" }), 1, 0.9, 1)).toThrow(
      'prediction is "epsilon"; allowed: sample, v or velocity where alpha is 0. ' +
        "In pure noise an ε-prediction tells nothing of the data: start the grid at a later time, as with start: 0.98.",
    );
  });

  test("an x0-model serves the whole path", () => {
    expect(gddimStep(rectifiedFlow({ prediction: "sample" }), 1, 0.5, 0)).toEqual({ a: 0.5, b: 0.5, std: 0 });
    expect(gddimStep(rectifiedFlow({ prediction: "sample" }), 0.5, 0, 1)).toEqual({ a: 0, b: 1, std: 0 });
  });
});

test.each([
  [
    () => gddimStep(vp(), 0.5, 0.4, -0.3),
    "eta is -0.3; allowed: a finite number ≥ 0. 0 gives the deterministic sampler.",
  ],
  [
    () => gddimStep(vp(), 0.5, 0.4, Number.NaN),
    "eta is NaN; allowed: a finite number ≥ 0. 0 gives the deterministic sampler.",
  ],
  [() => gddimStep(vp(), 0.4, 0.5, 1), "s is 0.5; allowed: a time not farther from the data than t = 0.4."],
  [() => gddimStep(vp(), 2, 0.5, 1), "t is 2; allowed: a finite number ≥ 0 and ≤ 1."],
  [
    () => gddimStep(stableDiffusion15(), 10.5, 5, 1),
    "t is 10.5; allowed: a whole number ≥ -1 and ≤ 999. A time of a discrete path is a training timestep.",
  ],
])("refuses: %#", (f, message) => {
  expect(f).toThrow(expect.objectContaining({ message, code: "OUT_OF_RANGE" }));
});
