import { rectifiedFlow, timeGrid, vp } from "@etalon/schedules";
import { goldenTensors } from "@etalon/testkit";
import { describe, expect, test } from "vitest";
import { cpsStep, danceSdeStep, etaOfFlowGrpo, flowGrpoNoiseLevel, flowSdeStep, gddimStep } from "./index.ts";

const flow = rectifiedFlow();
const golden = goldenTensors("schedulers/mixgrpo_sde.safetensors");
const floats = (name: string) => golden.get(name).data as Float32Array | Float64Array;
const steps = { flow: flowSdeStep, dance: danceSdeStep };
const cases = (["flow", "dance"] as const).flatMap((name) =>
  [0.3, 0.7, 1.2].flatMap((eta) => [0, 1, 5, 12, 20, 24].map((index) => ({ name, eta, index }))),
);

/** MixGRPO's flow_grpo_step and dance_grpo_step, run unmodified in float32; 25 steps, shift 3. */
describe.each(cases)("MixGRPO's $name step, eta $eta, index $index", ({ name, eta, index }) => {
  test("mean and std", () => {
    const grid = timeGrid(flow, 25, { shift: 3 });
    const { a, b, std } = steps[name](flow, grid[index], grid[index + 1], eta);
    const [x, v] = [floats("latents"), floats("model_output")];
    const key = `${name}.eta${eta}.i${index}`;
    expect(Float64Array.from(x, (_, k) => a * x[k] + b * v[k])).toBeAllclose(floats(`${key}.mean`), { atol: 5e-5 });
    expect([std]).toBeAllclose(floats(`${key}.std`), { rtol: 5e-5 });
  });
});

test("the formulas of the papers, at one point", () => {
  const [t, s, eta] = [0.6, 0.5, 0.7];
  const g = eta * Math.sqrt(t / (1 - t));
  const published = {
    a: 1 + (g * g * (s - t)) / (2 * t),
    b: (1 + (g * g * (1 - t)) / (2 * t)) * (s - t),
    std: g * Math.sqrt(t - s),
  };
  const ours = flowSdeStep(flow, t, s, eta);
  expect([ours.a, ours.b, ours.std]).toBeAllclose([published.a, published.b, published.std], { rtol: 1e-14 });
});

test("Flow-SDE in small steps is gDDIM with eta = a/√2; the noise levels translate", () => {
  const [t, s, level] = [0.6, 0.59999, 0.7];
  const [euler, exact] = [flowSdeStep(flow, t, s, level), gddimStep(flow, t, s, etaOfFlowGrpo(level))];
  expect(euler.std / exact.std).toBeCloseTo(1, 4);
  expect(flowGrpoNoiseLevel(1.2)).toBeCloseTo(1.697, 3);
  expect(etaOfFlowGrpo(flowGrpoNoiseLevel(0.3))).toBeCloseTo(0.3, 15);
});

test("Flow-SDE leaves excess noise behind, as its users see", () => {
  const excess = (level: number, n: number) => {
    const { std, a, b } = flowSdeStep(flow, 0.9, 0.9 - 1 / n, level);
    return Math.hypot(a * 0.9 + b, std) / (0.9 - 1 / n) - 1; // of the noise's standard deviation
  };
  expect([0.7, 1.2, 1.7].map((level) => Math.round(100 * excess(level, 10)))).toEqual([8, 43, 117]);
  expect([0.7, 1.2, 1.7].map((level) => Math.round(100 * excess(level, 25)))).toEqual([1, 7, 23]);
});

test("the ends: from t = 1 Flow-SDE takes s in the denominator; equal times stay; no NaN", () => {
  const { a, b, std } = flowSdeStep(flow, 1, 0.96, 0.7);
  expect([a, b, std].every(Number.isFinite)).toBe(true);
  expect(std).toBeCloseTo(0.7 * Math.sqrt(1 / 0.04) * Math.sqrt(0.04), 14);
  for (const step of [flowSdeStep, danceSdeStep]) {
    for (const t of [1, 0.5]) {
      const map = step(flow, t, t, 0.7);
      expect([map.a, Math.abs(map.b), map.std]).toEqual([1, 0, 0]);
    }
  }
});

test("CPS: std σ_s·sin(ηπ/2) and noise σ_s·cos(ηπ/2), down to eta 1e-9", () => {
  for (const eta of [1e-9, 0.3, 0.7, 1]) {
    const { a, b, std } = cpsStep(flow, 0.6, 0.5, eta);
    expect(std / (0.5 * Math.sin((eta * Math.PI) / 2))).toBeCloseTo(1, 12);
    expect(a * 0.6 + b).toBeCloseTo(0.5 * Math.cos((eta * Math.PI) / 2), 14);
  }
});

test.each([
  [
    () => flowSdeStep(vp(), 0.5, 0.4, 1),
    'path is "vp"; allowed: flow for Flow-SDE and Dance-SDE. gDDIM serves every path.',
  ],
  [
    () => danceSdeStep(flow, 0.5, 0.4, -1),
    "eta is -1; allowed: a finite number ≥ 0. 0 gives the deterministic sampler.",
  ],
  [() => flowSdeStep(flow, 0.4, 0.5, 1), "s is 0.5; allowed: a time not farther from the data than t = 0.4."],
  [() => cpsStep(flow, 0.5, 0.4, 1.2), "eta is 1.2; allowed: a finite number ≥ 0 and ≤ 1."],
])("refuses: %#", (f, message) => {
  expect(f).toThrow(expect.objectContaining({ message }));
});
