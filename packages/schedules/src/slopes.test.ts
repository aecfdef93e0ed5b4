import "@etalon/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { asVarianceExploding, edm, rectifiedFlow, stableDiffusion15, subVp, ve, vp } from "./index.ts";

const paths = [vp(), subVp(), ve(), ve({ schedule: "karras" }), rectifiedFlow(), edm(), asVarianceExploding(vp())];

describe.each(paths)("$name", (path) => {
  test("slopes are the derivatives of α, σ and log-SNR", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.05, max: 0.95, noNaN: true }), (u) => {
        const t = u * path.noiseTime;
        const h = 1e-5 * path.noiseTime;
        const [low, high, slope] = [path.at(t - h), path.at(t + h), path.slope?.(t)];
        for (const key of ["alpha", "sigma", "logSnr"] as const) {
          const difference = (high[key] - low[key]) / (2 * h);
          expect(Math.abs((slope?.[key] ?? Number.NaN) - difference)).toBeLessThan(1e-6 * (1 + Math.abs(difference)));
        }
      }),
    );
  });
});

test("sub-VP: σ = 1 − α², below VP's", () => {
  for (const t of [0.01, 0.3, 1]) {
    const [sub, plain] = [subVp().at(t), vp().at(t)];
    expect(sub.alpha).toBe(plain.alpha);
    expect(sub.sigma).toBeCloseTo(plain.sigma ** 2, 14);
  }
  expect(subVp().at(0)).toEqual({ alpha: 1, sigma: 0, logSnr: Infinity });
});

test("EDM's preconditioning is table 1 of the paper", () => {
  const {
    in: scale,
    time,
    skip,
    out,
  } = edm({ sigmaData: 0.5 }).precondition?.(2) ?? { in: 0, time: 0, skip: 0, out: 0 };
  expect([scale, time, skip, out]).toBeAllclose(
    [1 / Math.sqrt(4.25), Math.log(2) / 4, 0.25 / 4.25, 1 / Math.sqrt(4.25)],
    { rtol: 1e-14 },
  );
});

test("a discrete path's slope is the difference to the timestep before; between timesteps it interpolates", () => {
  const sd = stableDiffusion15();
  const beta = 1 - (sd.at(500).alpha / sd.at(499).alpha) ** 2;
  expect((-2 * (sd.slope?.(500).alpha ?? 0)) / sd.at(500).alpha).toBeCloseTo(-Math.log1p(-beta), 13);
  const [linear, log] = [stableDiffusion15({ interpolation: "linear" }), stableDiffusion15({ interpolation: "log" })];
  const ratio = (path: typeof sd, t: number) => Math.exp(-path.at(t).logSnr);
  expect(ratio(linear, 500.25)).toBeCloseTo(0.75 * ratio(sd, 500) + 0.25 * ratio(sd, 501), 12);
  expect(ratio(log, 500.25)).toBeCloseTo(ratio(sd, 500) ** 0.75 * ratio(sd, 501) ** 0.25, 12);
  for (const t of [0, 17, 999]) expect(log.at(t)).toEqual(sd.at(t));
});

test("in VE coordinates a path keeps its log-SNR, and says how the model is fed", () => {
  const [own, ve] = [stableDiffusion15(), asVarianceExploding(stableDiffusion15())];
  const { alpha, sigma, logSnr } = ve.at(700);
  expect([alpha, logSnr]).toEqual([1, own.at(700).logSnr]);
  expect(sigma).toBeCloseTo(own.at(700).sigma / own.at(700).alpha, 12);
  expect(ve.precondition?.(700)).toEqual({ in: own.at(700).alpha, time: 700, skip: 0, out: 1 });
  expect(ve.initialStd(700)).toBe(sigma);
  expect(asVarianceExploding(own, { initial: "total" }).initialStd(700)).toBeCloseTo(Math.hypot(1, sigma), 12);
});
