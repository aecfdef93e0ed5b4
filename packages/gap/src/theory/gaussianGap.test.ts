import { type Path, rectifiedFlow, timeGrid, ve, vp } from "@etalon/schedules";
import { goldenJson } from "@etalon/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gaussianGap } from "./gaussianGap.ts";

interface Law {
  reward: number;
  mean: number;
  variance: number;
}
interface Case extends Law {
  path: "flow" | "vp" | "ve";
  steps: number;
  tMax: number;
  target: number;
  curvature: number;
  beta: number;
  trainEta: number;
  evalEta: number;
  window: [number, number] | null;
  sde: Law;
  ode: Law;
  gap: number;
}

/** The golden's VE ends at the data itself: σ 80 … 0.002, then 0. */
const wide = ve({ sigmaMin: 0.002, sigmaMax: 80 });
const veToData: Path = {
  ...wide,
  at: (t) => (t === 0 ? { alpha: 1, sigma: 0, logSnr: Number.POSITIVE_INFINITY } : wide.at(t)),
};
const paths = { flow: rectifiedFlow(), vp: vp(), ve: veToData };

describe("lq_gap.json", () => {
  const cases = goldenJson<Case[]>("lq_gap.json");
  test.each(cases.map((c, i) => [i, c.path, c.beta, c.trainEta, c] as const))(
    "%i %s β %d η %d",
    (_i, name, beta, eta, c) => {
      const path = paths[name];
      const times = timeGrid(path, c.steps, { start: c.tMax });
      const window = c.window ?? undefined;
      const { sde, ode, gap } = gaussianGap({ path, times, eta, evalEta: c.evalEta, data: c, reward: c, beta, window });
      const numbers = (l: Law) => [l.reward, l.mean, l.variance];
      expect([...numbers(sde), ...numbers(ode), gap]).toBeAllclose([...numbers(c.sde), ...numbers(c.ode), c.gap], {
        atol: 1e-9,
      });
    },
  );
});

const data = { mean: 0.3, variance: 0.7 };
const reward = { target: 2, curvature: 1 };
const flow = rectifiedFlow();
const grid = (n: number) => timeGrid(flow, n, { start: 0.98 });

test("the prediction type is a matter of notation", () => {
  const times = grid(8);
  const of = (prediction: "epsilon" | "sample" | "v" | "velocity") =>
    gaussianGap({ path: rectifiedFlow({ prediction }), times, eta: 1.2, data, reward, beta: 0.1 });
  for (const prediction of ["sample", "v", "velocity"] as const) {
    expect(of(prediction).gap).toBeCloseTo(of("epsilon").gap, 11);
    expect(of(prediction).ode.variance).toBeCloseTo(of("epsilon").ode.variance, 11);
  }
});

test("an untrained model's gap goes to its horizon part as steps grow, and the SDE forgets the start faster", () => {
  const coarse = gaussianGap({ path: flow, times: grid(10), eta: 1.2, data, reward });
  const fine = gaussianGap({ path: flow, times: grid(2000), eta: 1.2, data, reward });
  expect(Math.abs(fine.parts.discretisation)).toBeLessThan(Math.abs(coarse.parts.discretisation) / 50);
  expect(fine.parts.horizon + fine.parts.discretisation).toBeCloseTo(fine.gap, 14);
  expect(Math.abs(fine.sde.memory)).toBeLessThan(Math.abs(fine.ode.memory) / 10);
});

test("eta 0 has no gap, and a vanishing beta all but closes it", () => {
  expect(gaussianGap({ path: flow, times: grid(20), eta: 0, data, reward }).gap).toBe(0);
  const gap = (beta: number) => Math.abs(gaussianGap({ path: flow, times: grid(20), eta: 1, data, reward, beta }).gap);
  expect(gap(1e-8)).toBeLessThan(gap(1e-1) / 20);
});

test("training never earns less than the untrained model by its own sampler (property)", () => {
  const value = fc.double({ min: 0.05, max: 3, noNaN: true });
  fc.assert(
    fc.property(value, value, value, fc.double({ min: -3, max: 3, noNaN: true }), (eta, beta, variance, target) => {
      const options = {
        path: flow,
        times: grid(6),
        eta,
        data: { mean: 0, variance },
        reward: { target, curvature: 1 },
      };
      expect(gaussianGap({ ...options, beta }).sde.reward).toBeGreaterThanOrEqual(
        gaussianGap(options).sde.reward - 1e-12,
      );
    }),
  );
});

test("refuses what makes no sense", () => {
  const options = { path: flow, times: grid(4), eta: 1, data, reward };
  expect(() => gaussianGap({ ...options, beta: 0 })).toThrow("beta is 0; allowed: a finite number > 0.");
  expect(() => gaussianGap({ ...options, data: { mean: 0, variance: Number.NaN } })).toThrow("data.variance is NaN");
  expect(() => gaussianGap({ ...options, eta: -1 })).toThrow("eta is -1; allowed: a finite number ≥ 0.");
});
