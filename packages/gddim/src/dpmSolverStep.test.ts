import { discreteVp, rectifiedFlow, timeGrid, vp } from "@etalon/schedules";
import { goldenTensors } from "@etalon/testkit";
import { describe, expect, test } from "vitest";
import { type DpmSolverOptions, dpmSolverStep, gddimStep, type StepMap } from "./index.ts";

const flow = rectifiedFlow();

/** MixGRPO's DPM-Solver updates, run unmodified in float32; 25 steps, shift 3, the same latents at every time. */
describe("MixGRPO's DPM-Solver", () => {
  const golden = goldenTensors("schedulers/mixgrpo_dpm.safetensors");
  const floats = (name: string) => golden.get(name).data as Float32Array;
  const grid = timeGrid(flow, 25, { shift: 3 });
  const keys = golden.names.filter((name) => name.endsWith(".ode.prev")).map((name) => name.replace(".ode.prev", ""));

  /** The mean of a map where every earlier state is the same one. */
  function mean({ a, b, earlier = [] }: StepMap): Float64Array {
    const x = floats("latents");
    const newest = Math.max(1, earlier.length); // their lists are of two outputs or more, the newest last
    const outputs = [...earlier.keys(), earlier.length].map((j) => floats(`model_output.${newest - j}`));
    return Float64Array.from(x, (v, k) =>
      earlier.reduce((sum, term, j) => sum + term.a * v + term.b * outputs[j + 1][k], a * v + b * outputs[0][k]),
    );
  }

  test.each(keys)("%s", (key) => {
    const parts = key.split(".");
    const [order, index] = [parts.at(-2), parts.at(-1)].map((part) => Number(part?.slice(1)));
    const options: DpmSolverOptions = {
      order,
      form: parts[0] === "dpmsolver" ? "noise" : "data",
      type: parts[1] === "heun" ? "heun" : "midpoint",
      ...{ publishedThirdOrder: order === 3, publishedNoiseForm: parts[0] === "dpmsolver" }, // its known faults
    };
    const past = grid.slice(0, index + 1).reverse();
    const ode = dpmSolverStep(flow, past, grid[index + 1], options);
    expect(ode.std).toBe(0);
    expect(mean(ode)).toBeAllclose(floats(`${key}.ode.prev`), { atol: 1e-5, rtol: 1e-5 });

    const sde = dpmSolverStep(flow, past, grid[index + 1], { ...options, eta: 1 });
    expect(mean(sde)).toBeAllclose(floats(`${key}.sde.mean`), { atol: 1e-5, rtol: 1e-5 });
    const z = floats("noise");
    expect(mean(sde).map((v, k) => v + sde.std * z[k])).toBeAllclose(floats(`${key}.sde.prev`), {
      atol: 2e-5,
      rtol: 2e-5,
    });
    if (!golden.names.includes(`${key}.sde.logprob`)) return;
    expect([sde.std]).toBeAllclose(floats(`${key}.sde.std`), { rtol: 1e-5 });
  });

  test("covers first, second and third order, both forms and both types", () => {
    expect(keys.length).toBe(20);
  });

  test("the third order and the noise form are theirs by those options alone", () => {
    const past = grid.slice(0, 13).reverse();
    for (const eta of [0, 1]) {
      const [ours, theirs] = [false, true].map((publishedThirdOrder) =>
        mean(dpmSolverStep(flow, past, grid[13], { order: 3, type: "heun", eta, publishedThirdOrder })),
      );
      expect(Math.max(...ours.map((v, k) => Math.abs(v - theirs[k])))).toBeGreaterThan(1e-4);
      const [right, published] = [false, true].map((publishedNoiseForm) =>
        mean(dpmSolverStep(flow, past, grid[13], { order: 2, form: "noise", eta, publishedNoiseForm })),
      );
      expect(Math.max(...right.map((v, k) => Math.abs(v - published[k])))).toBeGreaterThan(1e-2);
    }
  });
});

test("order 1 is gDDIM, at every noise level and on every path", () => {
  for (const path of [flow, vp(), vp({ prediction: "v" })]) {
    for (const eta of [0, 0.3, 1, 1.2, 5]) {
      const [x, y] = [dpmSolverStep(path, [0.6, 0.7], 0.5, { order: 1, eta }), gddimStep(path, 0.6, 0.5, eta)];
      expect([x.a, x.b, x.std]).toBeAllclose([y.a, y.b, y.std], { rtol: 1e-12, atol: 1e-15 });
      expect(x.earlier).toBeUndefined();
    }
  }
});

/** diffusers' DPMSolverMultistepScheduler in its own words (λ, h, r0, D0, D1), written out beside ours. */
test.each([0, 1])("2M is diffusers' dpmsolver++ and sde-dpmsolver++ (eta %d)", (eta) => {
  const path = discreteVp({
    betas: Array.from({ length: 1000 }, (_, t) => 0.0001 + (0.0199 * t) / 999),
    prediction: "v",
  });
  const [s1, s0, t] = [700, 651, 590].map((time) => path.at(time));
  const [m1, m0, x] = [0.3, -0.7, 1.1];
  const h = t.logSnr - s0.logSnr;
  const d1 = ((m0 - m1) * h) / (s0.logSnr - s1.logSnr);
  const share = eta === 0 ? 1 - Math.exp(-h) : 1 - Math.exp(-2 * h);
  const theirs = (t.sigma / s0.sigma) * (eta === 0 ? 1 : Math.exp(-h)) * x + t.alpha * share * (m0 + 0.5 * d1);
  const { a, b, std, earlier } = dpmSolverStep(path, [651, 700], 590, { eta });
  const output = (at: typeof t, state: number, x0: number) => (at.alpha * state - x0) / at.sigma; // v from x̂0
  const [before] = earlier ?? [];
  const ours = a * x + b * output(s0, x, m0) + before.a * 0.4 + before.b * output(s1, 0.4, m1);
  expect(ours).toBeCloseTo(theirs, 12);
  expect(std).toBeCloseTo(eta === 0 ? 0 : t.sigma * Math.sqrt(1 - Math.exp(-2 * h)), 14);
});

describe("the ends", () => {
  test("where log-SNR is infinite the order is 1: from pure noise, to the data, after pure noise", () => {
    const ode = (t: number, s: number) => ({ a: 1, b: expect.closeTo(s - t, 15), std: 0 });
    expect(dpmSolverStep(flow, [1], 0.9)).toEqual(ode(1, 0.9));
    expect(dpmSolverStep(flow, [0.1, 0.2], 0)).toEqual(ode(0.1, 0));
    expect(dpmSolverStep(flow, [0.9, 1], 0.8)).toEqual({ ...ode(0.9, 0.8), a: expect.closeTo(1, 15) });
    expect(dpmSolverStep(flow, [1], 0.9, { eta: 1 }).std).toBeCloseTo(0.9, 15);
    expect(dpmSolverStep(flow, [1], 0)).toEqual(ode(1, 0));
  });

  test("equal times: the state stays", () => {
    expect(dpmSolverStep(flow, [0.5, 0.6], 0.5)).toEqual({ a: 1, b: 0, std: 0 });
  });

  test("eta 1e-12 and 1e6 give no NaN: the one is the ODE, the other re-draws all noise", () => {
    const tiny = dpmSolverStep(flow, [0.5, 0.6], 0.4, { eta: 1e-12 });
    const ode = dpmSolverStep(flow, [0.5, 0.6], 0.4);
    expect([tiny.a, tiny.b]).toBeAllclose([ode.a, ode.b], { rtol: 1e-14 });
    expect(tiny.std).toBeGreaterThan(0);
    expect(dpmSolverStep(flow, [0.5, 0.6], 0.4, { eta: 1e6 }).std).toBe(0.4);
  });
});

test.each([
  [
    () => dpmSolverStep(flow, [0.5], 0.4, { order: 2 }),
    "order is 2; allowed: a whole number ≥ 1 and ≤ 1. Each order needs one earlier output more.",
  ],
  [
    () => dpmSolverStep(flow, [0.5, 0.6, 0.7, 0.8], 0.4, { order: 4 }),
    "order is 4; allowed: a whole number ≥ 1 and ≤ 3. Each order needs one earlier output more.",
  ],
  [() => dpmSolverStep(flow, [0.5, 0.5], 0.4), "times[1] is 0.5; allowed: a time noisier than times[0] = 0.5."],
  [() => dpmSolverStep(flow, [], 0.4), "times is []; allowed: the step's time, then those of earlier steps."],
  [() => dpmSolverStep(flow, [0.5], 0.6), "s is 0.6; allowed: a time not farther from the data than t = 0.5."],
  [
    () => dpmSolverStep(flow, [0.5], 0.4, { eta: -1 }),
    "eta is -1; allowed: a finite number ≥ 0. 0 gives the deterministic sampler.",
  ],
  [
    () => dpmSolverStep(flow, [0.5], 0, { form: "noise" }),
    'h is Infinity; allowed: a finite number. DPM-Solver for the noise ends before the data and starts after pure noise: form "data" does not.',
  ],
] as const)("refuses: %#", (f, message) => {
  expect(f).toThrow(expect.objectContaining({ message }));
});
