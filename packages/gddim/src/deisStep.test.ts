import "@etalon/testkit";
import { edm, rectifiedFlow, stableDiffusion15, ve, vp } from "@etalon/schedules";
import { describe, expect, test } from "vitest";
import { deisStep, deisVariables, gddimPredictorCorrector, marginalStep, type StepMap } from "./index.ts";

/** What an ε-map makes of a noise that is a function of the variable, against the integral of that function. */
function apply({ b, earlier = [] }: StepMap, values: readonly number[]): number {
  return earlier.reduce((sum, term, j) => sum + term.b * values[j + 1], b * values[0]);
}

/** α_s ∫ ε dρ from t to s by the midpoint rule in log-SNR, for any ε(λ). */
function integral(
  path: ReturnType<typeof vp>,
  t: number,
  s: number,
  eps: (lambda: number, time: number) => number,
): number {
  const n = 20_000;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const [a, b] = [0, 1].map((k) => t + ((s - t) * (i + k)) / n);
    const middle = (a + b) / 2;
    sum += eps(path.at(middle).logSnr, middle) * (Math.exp(-path.at(b).logSnr) - Math.exp(-path.at(a).logSnr));
  }
  return path.at(s).alpha * sum;
}

describe.each(deisVariables)("a noise that is a parabola in %s", (over) => {
  test.each([vp(), rectifiedFlow({ prediction: "epsilon" }), ve({ sigmaMax: 5 })])(
    "is integrated exactly on $name",
    (path) => {
      const of = (lambda: number, time: number) => {
        const u = over === "time" ? time : over === "rho" ? Math.exp(-lambda) : lambda;
        return 1 - 0.7 * u + 0.3 * u * u;
      };
      const times = [0.5, 0.62, 0.7];
      const map = deisStep(path, times, 0.41, { over });
      const values = times.map((t) => of(path.at(t).logSnr, t));
      expect(apply(map, values) / integral(path, 0.5, 0.41, of)).toBeCloseTo(1, 6);
      expect(map.a).toBeCloseTo(path.at(0.41).alpha / path.at(0.5).alpha, 14);
      const { correct } = gddimPredictorCorrector(path, times, 0.41, { order: 3, over });
      const corrected =
        (correct?.next.b ?? 0) * of(path.at(0.41).logSnr, 0.41) +
        apply({ a: 1, b: correct?.b ?? 0, std: 0, earlier: correct?.earlier }, values);
      expect(corrected / integral(path, 0.5, 0.41, of)).toBeCloseTo(1, 6);
    },
  );
});

test("order 1 is DDIM, in every variable", () => {
  for (const over of deisVariables) {
    const [x, y] = [deisStep(vp(), [0.5, 0.6], 0.4, { order: 1, over }), marginalStep(vp(), 0.5, 0.4, 0)];
    expect(x).toEqual(y);
  }
});

test("order 2 in rho is the paper's ρAB2: on VE the Adams–Bashforth formula in σ", () => {
  const path = edm();
  const [t1, t0, s] = [10, 7, 5];
  const { a, b, earlier } = deisStep({ ...path, prediction: "epsilon" }, [t0, t1], s, { over: "rho" });
  const w = (s - t0) / (2 * (t0 - t1)); // AB2 with unequal steps
  expect([a, b, ...(earlier ?? []).map((term) => term.b)]).toBeAllclose([1, (s - t0) * (1 + w), -(s - t0) * w], {
    rtol: 1e-13,
  });
});

describe("the ends", () => {
  const flow = rectifiedFlow();
  test("to the data: order 1 in log-SNR and time, the full order in rho; no corrector", () => {
    expect(deisStep(flow, [0.1, 0.2], 0)).toEqual(marginalStep(flow, 0.1, 0, 0));
    expect(deisStep(flow, [0.1, 0.2], 0, { over: "time" })).toEqual(marginalStep(flow, 0.1, 0, 0));
    expect(deisStep(flow, [0.1, 0.2], 0, { over: "rho" }).earlier).toHaveLength(1);
    expect(gddimPredictorCorrector(flow, [0.1, 0.2], 0).correct).toBeUndefined();
  });

  test("from pure noise order 1, and nothing that lies there is looked at", () => {
    expect(deisStep(flow, [1], 0.9)).toEqual(marginalStep(flow, 1, 0.9, 0));
    expect(deisStep(flow, [0.9, 1], 0.8)).toEqual(marginalStep(flow, 0.9, 0.8, 0));
    expect(gddimPredictorCorrector(flow, [1], 0.9)).toEqual({ predict: marginalStep(flow, 1, 0.9, 0) });
  });

  test("equal times: the state stays", () => {
    for (const over of deisVariables) expect(deisStep(vp(), [0.5, 0.6], 0.5, { over })).toEqual({ a: 1, b: 0, std: 0 });
    expect(gddimPredictorCorrector(vp(), [0.5, 0.6], 0.5)).toEqual({ predict: { a: 1, b: 0, std: 0 } });
  });
});

test.each([
  [
    () => deisStep(vp(), [0.5], 0.4, { order: 2 }),
    "order is 2; allowed: a whole number ≥ 1 and ≤ 1. Each order needs one earlier output more.",
  ],
  [() => deisStep(vp(), [0.5, 0.4], 0.3), "times[1] is 0.4; allowed: a time noisier than times[0] = 0.5."],
  [() => gddimPredictorCorrector(vp(), [0.5], 0.4, { order: 1 }), "order is 1; allowed: a whole number ≥ 2 and ≤ 3."],
  [() => deisStep(vp(), [0.5], 0.4, { over: "sigma" as "rho" }), 'over is "sigma"; allowed: log-snr, rho, time.'],
  [
    () => deisStep(stableDiffusion15(), [500, 600], 400, { over: "time" }),
    'over is "time"; allowed: log-snr or rho on a discrete path without interpolation.',
  ],
] as const)("refuses: %#", (f, message) => {
  expect(f).toThrow(expect.objectContaining({ message }));
});
