import { goldenTensors } from "@etalon/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { discreteVp, type Path, rectifiedFlow, stableDiffusion15, ve, vp } from "./index.ts";

const continuous: Path[] = [vp(), ve(), rectifiedFlow()];
const all: Path[] = [...continuous, stableDiffusion15()];

describe.each(all)("$name", (path) => {
  const time = path.discrete
    ? fc.integer({ min: path.dataTime, max: path.noiseTime })
    : fc.double({ min: path.dataTime, max: path.noiseTime, noNaN: true });

  test("is finite and non-negative everywhere, and logSnr is log(alpha / sigma)", () => {
    fc.assert(
      fc.property(time, (t) => {
        const { alpha, sigma, logSnr } = path.at(t);
        expect(alpha).toBeGreaterThanOrEqual(0);
        expect(sigma).toBeGreaterThanOrEqual(0);
        expect(logSnr).not.toBeNaN();
        if (Number.isFinite(logSnr)) {
          expect(Math.abs(logSnr - (Math.log(alpha) - Math.log(sigma)))).toBeLessThan(1e-12 * (1 + Math.abs(logSnr)));
        }
      }),
    );
  });

  test("loses signal as time grows", () => {
    fc.assert(
      fc.property(time, time, (t, s) => {
        if (t > s) expect(path.at(t).logSnr).toBeLessThanOrEqual(path.at(s).logSnr);
      }),
    );
  });

  test.each([Number.NaN, -2, 1e9, Infinity])("refuses time %d", (t) => {
    expect(() => path.at(t)).toThrow(/^t is /);
  });
});

test("VP keeps the variance to rounding, VE the signal, flow the sum", () => {
  for (const t of [0, 1e-9, 0.3, 0.99, 1]) {
    const p = vp().at(t);
    expect(Math.abs(p.alpha ** 2 + p.sigma ** 2 - 1)).toBeLessThan(4e-16);
    expect(ve().at(t).alpha).toBe(1);
    const f = rectifiedFlow().at(t);
    expect(f.alpha + f.sigma).toBe(1);
  }
});

test("the ends", () => {
  expect(rectifiedFlow().at(1)).toEqual({ alpha: 0, sigma: 1, logSnr: -Infinity });
  expect(rectifiedFlow().at(0)).toEqual({ alpha: 1, sigma: 0, logSnr: Infinity });
  expect(vp().at(0)).toEqual({ alpha: 1, sigma: 0, logSnr: Infinity });
  const sd = stableDiffusion15();
  expect(sd.at(-1)).toEqual(sd.at(0)); // set_alpha_to_one: false
  expect(stableDiffusion15({ finalAlpha: "one" }).at(-1)).toEqual({ alpha: 1, sigma: 0, logSnr: Infinity });
  expect(ve({ sigmaMin: 0.03, sigmaMax: 14.6 }).at(1).sigma).toBeCloseTo(14.6, 12);
});

test("VP keeps its digits near the data: sigma² is β₀t there", () => {
  const { sigma } = vp({ betaMin: 0.1, betaMax: 20 }).at(1e-12);
  expect(Math.abs(sigma ** 2 / 1e-13 - 1)).toBeLessThan(1e-9); // 1 − α² in plain would be off by 0.1 %
});

test("starts from unit noise, except on VE", () => {
  expect([vp(), rectifiedFlow(), stableDiffusion15()].map((p) => p.initialStd(p.noiseTime))).toEqual([1, 1, 1]);
  expect(ve({ sigmaMin: 1, sigmaMax: 80 }).initialStd(1)).toBeCloseTo(80, 10);
});

test("ᾱ of SD v1.5 is diffusers', to float32", () => {
  const golden = goldenTensors("schedulers/ddim_epsilon.safetensors");
  const sd = stableDiffusion15();
  const ours = Float64Array.from({ length: 1000 }, (_, t) => sd.at(t).alpha ** 2);
  expect(ours).toBeAllclose(golden.get("alphas_cumprod").data as Float32Array, { rtol: 2e-6 });
  expect(sd.at(-1).alpha ** 2).toBeCloseTo((golden.get("final_alpha_cumprod").data as Float32Array)[0], 6);
});

test("a path from ᾱ and one from β are the same", () => {
  const betas = [0.1, 0.2, 0.3];
  const alphasCumprod = [0.9, 0.9 * 0.8, 0.9 * 0.8 * 0.7];
  for (const t of [-1, 0, 1, 2]) {
    const [x, y] = [discreteVp({ betas }).at(t), discreteVp({ alphasCumprod }).at(t)];
    expect([x.alpha, x.sigma, x.logSnr]).toBeAllclose([y.alpha, y.sigma, y.logSnr], { rtol: 1e-15, atol: 1e-15 });
  }
});

test.each([
  [() => discreteVp({}), "alphasCumprod, betas is {}; allowed: just one of them, not empty."],
  [() => discreteVp({ betas: [0.1, 1] }), "betas[1] is 1; allowed: a finite number > 0 and < 1."],
  [
    () => discreteVp({ alphasCumprod: [0.9, 0.95] }),
    "alphasCumprod[1] is 0.95; allowed: a finite number ≥ 0 and < 0.9. It must fall.",
  ],
  [
    () => stableDiffusion15().at(0.5),
    "t is 0.5; allowed: a whole number ≥ -1 and ≤ 999. A time of a discrete path is a training timestep.",
  ],
  [
    () => vp({ prediction: "velocty" as "velocity" }),
    'prediction is "velocty"; allowed: epsilon, sample, v, velocity. Did you mean "velocity"?',
  ],
  [() => vp({ betaMin: 3, betaMax: 2 }), "betaMax is 2; allowed: a finite number ≥ 3 and > 0."],
  [() => ve({ sigmaMin: 0 }), "sigmaMin is 0; allowed: a finite number > 0."],
  [() => ve({ sigmaMin: 2, sigmaMax: 1 }), "sigmaMax is 1; allowed: a finite number > 2."],
  [() => rectifiedFlow({ noiseTime: 0 }), "noiseTime is 0; allowed: a finite number > 0 and ≤ 1."],
])("refuses: %#", (f, message) => {
  expect(f).toThrow(expect.objectContaining({ message }));
});
