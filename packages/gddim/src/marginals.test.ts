import "@etalon/testkit";
import {
  asVarianceExploding,
  edm,
  type Path,
  type Prediction,
  rectifiedFlow,
  stableDiffusion15,
  subVp,
  ve,
  vp,
} from "@etalon/schedules";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cpsStep, ddimStep, gddimStep, marginalStep, type StepMap } from "./index.ts";

/** What a step makes of x_t = α·x0 + σ·ε when the model is right: the weights of x0, ε and the fresh noise in x_s. */
function weights({ a, b, std }: StepMap, prediction: Prediction, alpha: number, sigma: number) {
  const output = { epsilon: [0, 1], sample: [1, 0], v: [-sigma, alpha], velocity: [-1, 1] }[prediction];
  return { x0: a * alpha + b * output[0], eps: a * sigma + b * output[1], z: std };
}

function expectMarginal(path: Path, t: number, s: number, map: StepMap): void {
  const [from, to] = [path.at(t), path.at(s)];
  const { x0, eps, z } = weights(map, path.prediction, from.alpha, from.sigma);
  const scale = Math.max(1, Math.abs(map.a) * from.sigma, Math.abs(map.b)); // an ε-model's x̂0 amplifies rounding by σ/α
  expect(Math.abs(x0 - to.alpha)).toBeLessThanOrEqual(1e-12 * scale);
  expect(Math.abs(eps * eps + z * z - to.sigma ** 2)).toBeLessThanOrEqual(1e-12 * scale * Math.max(1, to.sigma ** 2));
  expect(map.std).toBeLessThanOrEqual(to.sigma);
}

const paths: Path[] = [
  ...(["epsilon", "sample", "v"] as const).map((prediction) => vp({ prediction })),
  ve({ sigmaMin: 0.03, sigmaMax: 14.6 }),
  ve({ sigmaMin: 0.03, sigmaMax: 14.6, schedule: "karras", prediction: "sample" }),
  ...(["sample", "v"] as const).map((prediction) => subVp({ prediction })),
  edm({ sigmaMax: 1 }),
  asVarianceExploding(vp({ betaMax: 8, prediction: "velocity" })),
  ...(["sample", "velocity"] as const).map((prediction) => rectifiedFlow({ prediction })),
  ...(["epsilon", "v"] as const).map((prediction) => stableDiffusion15({ prediction })),
];
const eta = fc.oneof(fc.double({ min: 0, max: 100, noNaN: true }), fc.double({ min: 0, max: 2, noNaN: true }));

describe.each(paths.map((path) => [path.name, path.prediction, path] as const))("%s, %s", (_, __, path) => {
  const time = path.discrete
    ? fc.integer({ min: -1, max: 999 })
    : fc.double({ min: 0, max: 1, noNaN: true, noDefaultInfinity: true });
  const times = fc
    .tuple(time, time)
    .map(([t, s]) => (t > s ? [t, s] : [s, t]))
    .filter(([t]) => Number.isFinite(1 / path.at(t).sigma));

  test("gDDIM keeps the marginal for every eta in [0, 100]", () => {
    fc.assert(fc.property(times, eta, ([t, s], eta) => expectMarginal(path, t, s, gddimStep(path, t, s, eta))));
  });

  test("CPS keeps it for every eta in [0, 1], and any ρ does", () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(times, share, ([t, s], share) => {
        expectMarginal(path, t, s, cpsStep(path, t, s, share));
        expectMarginal(path, t, s, marginalStep(path, t, s, Math.log(share)));
      }),
    );
  });

  test("eta 0 is one step for all of them", () => {
    fc.assert(
      fc.property(times, ([t, s]) => {
        const ode = gddimStep(path, t, s, 0);
        expect(ddimStep(path, t, s, 0)).toEqual(ode);
        expect(cpsStep(path, t, s, 0)).toEqual(ode);
        expect(ode.std).toBe(0);
      }),
    );
  });
});

describe.each([vp(), stableDiffusion15()])("$name", (path) => {
  test("gDDIM at eta 1 is ancestral DDPM, as DDIM at eta 1 has it", () => {
    for (const [t, s] of path.discrete
      ? [
          [981, 961],
          [500, 499],
          [21, 1],
          [1, 0],
        ]
      : [
          [1, 0.9],
          [0.5, 0.1],
          [0.3, 0.299],
        ]) {
      const [x, y] = [gddimStep(path, t, s, 1), ddimStep(path, t, s, 1)];
      expect([x.a, x.b, x.std]).toBeAllclose([y.a, y.b, y.std], { rtol: 1e-11 });
    }
  });
});

test("a chain of steps is one step in law when the data is one point", () => {
  const path = rectifiedFlow({ prediction: "sample" });
  const [t, s, eta, x0] = [0.9, 0.1, 1.2, 2];
  const one = gddimStep(path, t, s, eta);
  let [gain, mean, variance] = [1, 0, 0];
  for (let i = 0; i < 100; i++) {
    const { a, b, std } = gddimStep(path, t + ((s - t) * i) / 100, t + ((s - t) * (i + 1)) / 100, eta);
    [gain, mean, variance] = [a * gain, a * mean + b * x0, a * a * variance + std * std];
  }
  expect([gain, mean, variance]).toBeAllclose([one.a, one.b * x0, one.std ** 2], { rtol: 1e-12 });
});

/** Data N(0.5, 0.3²), exact ε-model; the law of the last state stays Gaussian, by recursion. The start is the true law at t = 0.9. */
function endVariance(eta: number, n: number): number {
  const path = vp();
  let { alpha, sigma } = path.at(0.9);
  let variance = alpha ** 2 * 0.09 + sigma ** 2;
  for (let i = 0; i < n; i++) {
    const [t, s] = [0.9 - (0.8 * i) / n, 0.9 - (0.8 * (i + 1)) / n];
    ({ alpha, sigma } = path.at(t));
    const { a, b, std } = gddimStep(path, t, s, eta);
    const gain = a + (b * sigma) / (alpha ** 2 * 0.09 + sigma ** 2);
    variance = gain ** 2 * variance + std ** 2;
  }
  return variance;
}

test.each([0, 0.7, 1, 1.2, 3])("converges weakly at order 1 to the data's law, eta %d", (eta) => {
  const { alpha, sigma } = vp().at(0.1);
  const truth = alpha ** 2 * 0.09 + sigma ** 2;
  const [coarse, fine] = [400, 800].map((n) => Math.abs(endVariance(eta, n) - truth));
  expect(Math.log2(coarse / fine)).toBeGreaterThan(0.9);
  expect(Math.log2(coarse / fine)).toBeLessThan(1.1);
});
