import { AdamW, engine, type NamedTensorMap, tf, type Variable } from "@etalon/engine";
import type { Pipeline } from "@etalon/models";
import { logProb } from "@etalon/native";
import { rectifiedFlow } from "@etalon/schedules";
import { goldenJson } from "@etalon/testkit";
import { beforeAll, describe, expect, test } from "vitest";
import { fakePipeline } from "../../test/fakePipeline.ts";
import { parseTrainConfig } from "../config/parseTrainConfig.ts";
import { type PolicyOptions, policyGradients } from "./policyGradients.ts";
import { type Rollout, rollOut } from "./rollOut.ts";
import { seedPolicy } from "./seedPolicy.ts";
import { trainingPlan } from "./trainingPlan.ts";
import { updatePolicy } from "./updatePolicy.ts";

beforeAll(() => engine("wasm"));

const prompts = ["red heart", "blue fish", "red heart", "a very long cat"];
const advantages = Float64Array.of(1.2, -0.7, 0.4, -1.5);
const all = [0, 1, 2, 3];

const rolloutOf = (pipeline: Pipeline, guidance = 1): Promise<Rollout> => {
  const config = parseTrainConfig({ sampler: { eta: 0.8, steps: 4 } });
  const plan = trainingPlan(config, pipeline.path, 0);
  return rollOut({ pipeline, plan, prompts, seed: 3, ids: Uint32Array.from(all), guidance });
};

const optionsOf = (pipeline: Pipeline, over: Partial<PolicyOptions> = {}): PolicyOptions => ({
  pipeline,
  variables: pipeline.model.parameters("all"),
  guidance: 1,
  clip: 0.5,
  reduction: "mean",
  microBatch: 4,
  noiseLevelWeight: 0,
  kl: 0,
  ...over,
});

const values = (gradients: NamedTensorMap) =>
  Object.fromEntries(Object.entries(gradients).map(([name, tensor]) => [name, tensor.dataSync<"float32">().slice()]));

describe("the golden policy update, through a graph", () => {
  interface Case {
    name: string;
    reduction: "mean" | "sum";
    guidance: number | null;
    beta: number;
    A: number;
    Bm: number;
    std: number;
    advantages: number[];
    log_prob_old_sum: number[];
    x_s: number[][];
    total: number[];
    grad_o?: number[][];
    grad_o_c?: number[][];
    grad_o_u?: number[][];
  }
  const { inputs, clip, cases } = goldenJson<{ inputs: Record<string, number[][]>; clip: number; cases: Case[] }>(
    "policy_update.json",
  );
  const flat = (rows: number[][]) => Float32Array.from(rows.flat());

  test.each(cases)("$name", (c) => {
    const guided = c.guidance !== null;
    const leaf = (rows: number[][]) => tf.variable(tf.tensor2d(rows));
    const cond = leaf(guided ? inputs.o_c : inputs.o);
    const uncond = guided ? leaf(inputs.o_u) : undefined;
    const kl = { weight: c.beta, cond: flat(guided ? inputs.o_ref_c : inputs.o_ref), uncond: guided ? flat(inputs.o_ref_u) : undefined }; // biome-ignore format: one thought
    const terms = {
      next: flat(c.x_s),
      x: flat(inputs.x_t),
      guidance: c.guidance ?? 1,
      map: { a: c.A, b: c.Bm, std: c.std },
      oldLogp: c.log_prob_old_sum,
      advantage: c.advantages,
      clip,
      reduction: c.reduction,
      kl: c.beta > 0 ? kl : undefined,
    };
    const loss = () => seedPolicy(cond, uncond, terms, 2, () => undefined).asScalar();
    const { value, grads } = tf.variableGrads(loss, uncond ? [cond, uncond] : [cond]);
    expect(value.dataSync()[0]).toBeCloseTo(2 * c.total.reduce((a, b) => a + b), 4);
    const near = (name: string, rows: number[][]) => {
      const expected = rows.flat().map((g) => 2 * g);
      const scale = Math.max(...expected.map(Math.abs));
      expect(grads[name].dataSync()).toBeAllclose(expected, { rtol: 1e-4, atol: 1e-5 * scale });
    };
    near(cond.name, (guided ? c.grad_o_c : c.grad_o) as number[][]);
    if (uncond) near(uncond.name, c.grad_o_u as number[][]);
    tf.dispose([cond, uncond ?? cond, value, grads]);
  });
});

describe("policyGradients", () => {
  test.each([
    ["plain", {}],
    ["guidance", { guidance: 2.5 }],
    ["noise-level weight, sum", { noiseLevelWeight: 4, reduction: "sum" as const }],
  ])("is the derivative of the objective in the parameters, by finite differences: %s", async (_, over) => {
    const pipeline = fakePipeline();
    const options = optionsOf(pipeline, { clip: 1e3, ...over });
    const rollout = await rolloutOf(pipeline, options.guidance);
    const { gradients } = await policyGradients(options, rollout, advantages, all);
    const { shift } = values(gradients);
    const variable = options.variables.get("shift") as Variable;
    const start = variable.dataSync<"float32">().slice();
    const at = (index: number, by: number) => {
      variable.assign(tf.tensor(start.map((v, i) => (i === index ? v + by : v))));
      return objective(options, rollout);
    };
    const picks = [0, 7, 23, 47];
    const differences = picks.map((i) => (at(i, 4e-3) - at(i, -4e-3)) / 8e-3);
    const scale = Math.max(...shift.map(Math.abs));
    expect(picks.map((i) => shift[i])).toBeAllclose(differences, { rtol: 2e-2, atol: 2e-3 * scale });
    pipeline.dispose();
  });

  test("micro-batches and the images' order move nothing but the last bits", async () => {
    const pipeline = fakePipeline();
    const rollout = await rolloutOf(pipeline);
    const whole = values((await policyGradients(optionsOf(pipeline), rollout, advantages, all)).gradients);
    const split = values((await policyGradients(optionsOf(pipeline, { microBatch: 3 }), rollout, advantages, [2, 0, 3, 1])).gradients); // biome-ignore format: one thought
    for (const name of Object.keys(whole)) {
      const scale = Math.max(...whole[name].map(Math.abs));
      expect(split[name]).toBeAllclose(whole[name], { rtol: 1e-4, atol: 1e-6 * scale });
    }
    pipeline.dispose();
  });

  test("on-policy: ratio 1, nothing clipped; with advantage 0 the gradient is exactly 0", async () => {
    const pipeline = fakePipeline();
    const rollout = await rolloutOf(pipeline);
    const { gradients, report } = await policyGradients(optionsOf(pipeline), rollout, new Float64Array(4), all);
    expect(report.ratio.mean).toBeCloseTo(1, 6);
    expect(report.ratio.max).toBeCloseTo(1, 6);
    expect(report.clipFraction).toBe(0);
    for (const gradient of Object.values(values(gradients))) expect(gradient.every((g) => g === 0)).toBe(true);
    pipeline.dispose();
  });

  test("the KL is 0 at the reference, and pulls back to it from elsewhere", async () => {
    const pipeline = fakePipeline();
    pipeline.model.addAdapter({}, 0);
    const rollout = await rolloutOf(pipeline);
    const options = optionsOf(pipeline, { kl: 1, variables: pipeline.model.parameters("lora") });
    const still = await policyGradients(options, rollout, new Float64Array(4), all);
    expect(still.report.kl).toBe(0);
    (options.variables.get("shift.lora_A") as Variable).assign(tf.fill([48], 0.05));
    const moved = await policyGradients(options, rollout, new Float64Array(4), all);
    expect(moved.report.kl).toBeGreaterThan(1e-6);
    expect(values(moved.gradients)["shift.lora_A"].every((g) => g > 0)).toBe(true);
    pipeline.dispose();
  });
});

describe("updatePolicy", () => {
  test("makes rewarded steps likelier, and leaks no tensor over 50 updates", async () => {
    const pipeline = fakePipeline();
    const options = optionsOf(pipeline);
    const optimiser = new AdamW(options.variables, { learningRate: 1e-3 });
    const rollout = await rolloutOf(pipeline);
    const before = objective(options, rollout);
    const step = () => updatePolicy({ ...options, optimiser, maxGradNorm: 1 }, rollout, advantages, all);
    await step();
    const tensors = tf.memory().numTensors;
    for (let i = 0; i < 50; i++) await step();
    expect(tf.memory().numTensors).toBe(tensors);
    expect(objective(options, rollout)).toBeLessThan(before);
    optimiser.dispose();
    pipeline.dispose();
  });

  test("a gradient that is not finite changes nothing, and says so", async () => {
    const pipeline = fakePipeline();
    const options = optionsOf(pipeline);
    const optimiser = new AdamW(options.variables, { learningRate: 1e-3 });
    const rollout = await rolloutOf(pipeline);
    const shift = options.variables.get("shift") as Variable;
    shift.assign(tf.fill([48], Number.NaN));
    const tensors = tf.memory().numTensors;
    const report = await updatePolicy({ ...options, optimiser, maxGradNorm: 1 }, rollout, advantages, all);
    expect(report).toMatchObject({ skipped: true, gradNorm: null });
    expect(optimiser.steps).toBe(0);
    expect(tf.memory().numTensors).toBe(tensors);
    optimiser.dispose();
    pipeline.dispose();
  });
});

/** The mean objective in float64, step by step from its parts: the truth that gradients are held against. */
function objective({ pipeline, guidance, clip, reduction, noiseLevelWeight }: PolicyOptions, rollout: Rollout): number {
  const denoiser = pipeline.denoiser(prompts, { guidance });
  let sum = 0;
  for (const { step, x, next, logp } of rollout.steps) {
    const output = denoiser(x, step.t);
    const passes = output instanceof Float32Array ? { cond: output } : output;
    const batch = { next, x, ...passes, guidance, map: step.map, dim: 48 };
    const now = logProb(batch);
    const divisor = reduction === "mean" ? 48 : 1;
    const weight = noiseLevelWeight === 0 ? 1 : (noiseLevelWeight * step.map.std) / Math.abs(step.map.b);
    for (const i of all) {
      const ratio = Math.exp((now[i] - logp[i]) / divisor);
      const clipped = Math.max(1 - clip, Math.min(1 + clip, ratio));
      sum += weight * Math.max(-advantages[i] * ratio, -advantages[i] * clipped);
    }
  }
  return sum / (all.length * rollout.steps.length);
}

test("on flow from t = 1 the first step is an ODE step", () => {
  const config = parseTrainConfig({ sampler: { steps: 4 } });
  const stochastic = (noiseTime: number) =>
    trainingPlan(config, rectifiedFlow({ noiseTime }), 0).steps.map((step) => step.stochastic);
  expect(stochastic(1)).toEqual([false, true, true, false]);
  expect(stochastic(0.98)).toEqual([true, true, true, false]);
});
