import "@etalon/testkit";
import { timeGrid } from "@etalon/schedules";
import { expect, test } from "vitest";
import { fakePipeline, quadraticReward } from "../../test/fakePipeline.ts";
import { gaussianGap } from "../theory/gaussianGap.ts";
import { measureGap } from "./measureGap.ts";

const data = { mean: 0.3, variance: 0.6 };
const pipeline = fakePipeline(data);
const reward = quadraticReward(1);
const prompts = ["a", "b", "c"];

test.each([
  [0.3, 4],
  [1.2, 6],
])("finds the exact gap of a Gaussian within its own standard errors, η %d at %d steps", async (eta, steps) => {
  const { line } = await measureGap({ pipeline, reward, prompts, eta, steps, n: 300, batch: 100 });
  const times = timeGrid(pipeline.path, steps);
  const exact = gaussianGap({ path: pipeline.path, times, eta, data, reward: { target: 1, curvature: 1 } });
  for (const [measured, truth] of [
    [line.sde, exact.sde.reward],
    [line.ode, exact.ode.reward],
    [line.gap, exact.gap],
  ] as const)
    expect(Math.abs(measured.mean - truth)).toBeLessThan(4 * measured.sem);
  const unpaired = Math.hypot(line.sde.sem, line.ode.sem);
  if (eta < 1) expect(line.gap.sem).toBeLessThan(unpaired / 1.5); // pairing pays while x_T is not forgotten
});

test("the line is the contract's, and repeats; neither batch nor n changes a sample", async () => {
  const options = { pipeline, reward, prompts, eta: 1.2, steps: 3, seed: 5 };
  const whole = await measureGap({ ...options, n: 7 });
  expect(Object.keys(whole.line)).toEqual(["eta", "steps", "guidance", "n", "reward", "sde", "ode", "gap"]);
  expect(whole.line).toMatchObject({ eta: 1.2, steps: 3, guidance: 1, n: 7, reward: "quadratic" });
  expect(await measureGap({ ...options, n: 7, batch: 2 })).toEqual(whole);
  const half = await measureGap({ ...options, n: 4 });
  expect(half.samples.sde).toEqual(whole.samples.sde.slice(0, 4));
  expect(whole.samples.prompts).toEqual(["a", "b", "c", "a", "b", "c", "a"]);
  expect(whole.line.gap.mean).toBeCloseTo(whole.line.sde.mean - whole.line.ode.mean, 14);
});

test("with no noise to speak of, SDE and ODE are the same trajectory from the same x_T", async () => {
  const { samples } = await measureGap({ pipeline, reward, prompts, eta: 1e-6, steps: 4, n: 8 });
  expect(samples.sde).toBeAllclose(samples.ode, { atol: 2e-3 }); // a pixel may round the other way
});

test("refuses what it cannot measure, and stops when asked to", async () => {
  const options = { pipeline, reward, prompts, eta: 1.2, n: 4 };
  await expect(measureGap({ ...options, eta: 0 })).rejects.toThrow(
    "eta is 0; allowed: a finite number > 0. 0 is the ODE",
  );
  await expect(measureGap({ ...options, eta: Number.NaN })).rejects.toMatchObject({ code: "OUT_OF_RANGE" });
  await expect(measureGap({ ...options, n: 0 })).rejects.toThrow("n is 0; allowed: a whole number ≥ 1.");
  await expect(measureGap({ ...options, prompts: [] })).rejects.toMatchObject({ code: "BAD_SHAPE" });
  const bad = { name: "bad", score: () => new Float32Array([Number.NaN]) };
  await expect(measureGap({ ...options, reward: bad })).rejects.toMatchObject({ code: "BAD_REWARD" });
  await expect(measureGap({ ...options, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ABORTED" });
});
