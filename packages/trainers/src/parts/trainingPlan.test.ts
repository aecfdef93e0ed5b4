import { dpmSolverStep, flowSdeStep, gddimStep } from "@etalon/gddim";
import { rectifiedFlow, stableDiffusion15, vp } from "@etalon/schedules";
import { describe, expect, test } from "vitest";
import { parseTrainConfig } from "../config/parseTrainConfig.ts";
import { trainingPlan } from "./trainingPlan.ts";

const flow = rectifiedFlow({ prediction: "velocity" });
const config = (json: object, sets: string[] = []) => parseTrainConfig(json, sets);
const stochastic = (plan: { steps: { stochastic: boolean; index: number }[] }) =>
  plan.steps.filter((step) => step.stochastic).map(({ index }) => index);

describe("a first step from pure noise", () => {
  test.each([
    ["gddim", [1, 2]],
    ["flow-sde", [0, 1, 2]],
    ["dance-sde", [0, 1, 2]],
    ["cps", [0, 1, 2]],
  ] as const)("%s: is trained on unless it draws all of its noise anew", (rule, indices) => {
    expect(stochastic(trainingPlan(config({ sampler: { steps: 4, rule, eta: 0.7 } }), flow, 0))).toEqual(indices);
  });

  test("too few steps for one that draws noise are refused", () => {
    expect(() => trainingPlan(config({ sampler: { steps: 2 } }), flow, 0)).toThrow(
      "sampler.steps is 2; allowed: 3 or more: the first and the last draw no noise.",
    );
    expect(() => trainingPlan(config({ sampler: { steps: 1 } }), vp(), 0)).toThrow(
      "sampler.steps is 1; allowed: 2 or more: the last draws no noise.",
    );
  });
});

test("MixGRPO as published: 25 steps, four of them by Flow-SDE and the rest by the ODE", () => {
  const plan = trainingPlan(config({ algorithm: "mixgrpo" }), flow, 30); // every 25 epochs a place
  expect(stochastic(plan)).toEqual([1, 2, 3, 4]);
  for (const { t, s, map, index } of plan.steps)
    expect(map).toEqual(index >= 1 && index <= 4 ? flowSdeStep(flow, t, s, 0.7) : gddimStep(flow, t, s, 0));
});

describe("Flash", () => {
  const flash = (over: object = {}, sets: string[] = []) =>
    config({ algorithm: "mixgrpo", sampler: { window: { flash: {}, ...over } } }, sets);

  test("needs 16 passes an image on average over the paper's 300 iterations, its frozen form 8, where MixGRPO needs 25", () => {
    const counts = Array.from({ length: 300 }, (_, epoch) => trainingPlan(flash(), flow, epoch).steps.length);
    expect(Math.round(counts.reduce((a, b) => a + b) / 300)).toBe(16);
    const frozen = flash({ strategy: "frozen", flash: { ratio: 0.2 } });
    expect(trainingPlan(frozen, flow, 299).steps).toHaveLength(8);
    expect(trainingPlan(config({ algorithm: "mixgrpo" }), flow, 0).steps).toHaveLength(25);
  });

  test("leaves everything up to the window's end alone, and goes on by DPM-Solver++ that looks back into the window", () => {
    const [fast, whole] = [trainingPlan(flash(), flow, 30), trainingPlan(config({ algorithm: "mixgrpo" }), flow, 30)];
    expect(fast.steps.slice(0, 5)).toEqual(whole.steps.slice(0, 5));
    const times = fast.steps.map(({ t }) => t);
    for (const { index, s, map, stochastic: draws } of fast.steps.slice(5)) {
      expect(draws).toBe(false);
      expect(map).toEqual(dpmSolverStep(flow, [times[index], times[index - 1]], s, { order: 2 }));
    }
    expect(fast.steps.at(-1)?.s).toBe(0);
  });

  test("spreads its steps over the same grid: with half of them every second time", () => {
    const half = flash({ start: 4, strategy: "frozen", size: 3, flash: { ratio: 0.5 } }, ["sampler.steps=15"]);
    const knots = trainingPlan(config({ algorithm: "mixgrpo", sampler: { steps: 15 } }), flow, 0).steps.map(({ t }) => t); // biome-ignore format: one thought
    expect(trainingPlan(half, flow, 0).steps.map(({ t }) => t)).toEqual(
      [...knots.slice(0, 7), ...knots.slice(7).filter((_, i) => i % 2 === 0)].map((t) => expect.closeTo(t, 14)),
    );
  });

  test("keeps to training timesteps on a discrete path, and with ratio 1 and Euler it is the whole schedule", () => {
    const path = stableDiffusion15();
    const sampler = { steps: 20, eta: 1, window: { size: 3, flash: {} } };
    const { steps } = trainingPlan(config({ sampler }), path, 0);
    expect(steps).toHaveLength(3 + 7);
    expect(steps.every(({ t }) => Number.isInteger(t))).toBe(true);
    const same = { steps: 20, eta: 1, window: { size: 3, flash: { ratio: 1, solver: "euler" } } };
    expect(trainingPlan(config({ sampler: same }), path, 40)).toEqual(
      trainingPlan(config({ sampler: { ...same, window: { size: 3 } } }), path, 40),
    );
  });

  test("a schedule of eta along the trajectory keeps its places", () => {
    const eta = { along: "trajectory", from: 2, to: 1 } as const;
    const sampler = { eta, steps: 10, rule: "gddim", shift: 1, window: { size: 3, flash: {} } } as const;
    const { steps } = trainingPlan(config({ algorithm: "mixgrpo", sampler }), rectifiedFlow({ noiseTime: 0.98 }), 30);
    expect(steps.slice(1, 4).map((step) => step.eta)).toEqual([1.875, 1.75, 1.625]);
  });
});

test("Flow-GRPO-Fast: two steps somewhere in the first half, wherever chance puts them", () => {
  const window = { strategy: "random", size: 2, end: 5 };
  const fast = config({ algorithm: "flow-grpo", sampler: { window } });
  const places = new Set<number>();
  for (let epoch = 0; epoch < 60; epoch++) {
    const indices = stochastic(trainingPlan(fast, flow, epoch));
    expect(indices).toEqual([indices[0], indices[0] + 1]);
    places.add(indices[0]);
  }
  expect([...places].sort()).toEqual([0, 1, 2, 3]);
});

describe("eta along training", () => {
  const eta = { along: "training", from: 1.5, to: 0.5 } as const;
  const path = rectifiedFlow({ noiseTime: 0.98 });

  test("every step that draws noise has the epoch's level, from the first epoch to the run's last", () => {
    const settings = config({ sampler: { eta, steps: 4 }, train: { epochs: 5 } });
    for (const [epoch, level] of [
      [0, 1.5],
      [1, 1.25],
      [4, 0.5],
      [9, 0.5],
    ]) {
      // biome-ignore format: a table
      const plan = trainingPlan(settings, path, epoch);
      expect(stochastic(plan)).toEqual([0, 1, 2]);
      for (const { t, s, map } of plan.steps) expect(map).toEqual(gddimStep(path, t, s, level));
    }
    expect(trainingPlan(settings, path, "ode").steps.every(({ stochastic: draws }) => !draws)).toBe(true);
  });

  test("in a window too, and the steps around it stay the ODE's; with Flash as well", () => {
    for (const flash of [null, {}]) {
      const settings = config({ sampler: { eta, steps: 8, window: { size: 2, every: 1, start: 1, flash } }, train: { epochs: 3 } }); // biome-ignore format: one thought
      const plan = trainingPlan(settings, path, 1);
      expect(stochastic(plan)).toEqual([2, 3]);
      for (const { index, t, s, map } of plan.steps.slice(0, 4))
        expect(map).toEqual(gddimStep(path, t, s, index < 2 ? 0 : 1));
    }
  });
});
