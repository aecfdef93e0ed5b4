import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engine, type NamedTensorMap, tf } from "@etalon/engine";
import type { Pipeline } from "@etalon/models";
import { defineReward, type Reward } from "@etalon/rewards";
import { runTrace, thrown } from "@etalon/testkit";
import { readSafetensors, toFloat32 } from "@etalon/weights";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { advantagesOf, type Metrics, openRun, parseTrainConfig, type RunOptions, rollOut, type Stages, trainingPlan, trainPresets, updatePolicy } from "../src/index.ts"; // biome-ignore format: one thought
import { fakePipeline } from "./fakePipeline.ts";

let root = "";
beforeAll(async () => {
  await engine("wasm");
  root = mkdtempSync(join(tmpdir(), "etalon-must-hold-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const prompts = ["red heart", "blue fish", "cat"];
const brightness = (data: Uint8Array, i: number) =>
  data.subarray(i * 48, i * 48 + 48).reduce((a, b) => a + b) / 48 / 255;
const bright = defineReward("bright", ({ data, count }) =>
  Float32Array.from({ length: count }, (_, i) => brightness(data, i)),
);
/** One that looks at everything but the image. */
const blind = (seed: number): Reward => {
  let calls = seed * 1000;
  return defineReward("blind", ({ count }) => {
    calls++;
    return Float32Array.from({ length: count }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * calls) * 43758.5453 % 1); // biome-ignore format: one thought
  });
};

const presets = Object.entries(trainPresets).map(([name, { config }]) => [name, config] as const);
const small = ["engine=wasm", "train.promptsPerEpoch=2", "train.groupSize=4", "train.epochs=4", "train.microBatch=8", "sampler.steps=6", "train.learningRate=1e-2", "train.noiseLevelWeight=0"]; // biome-ignore format: a list

/** Trains to the end, and gives the metrics and how bright the ODE's images are before and after. */
async function train(json: unknown, sets: string[], options: Partial<RunOptions> = {}) {
  const config = parseTrainConfig(json, [...small, ...sets]);
  const pipeline = fakePipeline();
  const trainer = await openRun({ config, reward: bright, prompts, pipeline, ...options });
  const measure = async () => {
    const plan = trainingPlan(config, pipeline.path, "ode");
    const ids = Uint32Array.from(prompts, (_, i) => 2 ** 30 + i);
    const { images } = await rollOut({ pipeline, plan, prompts, seed: 7, ids });
    return prompts.reduce((sum, _, i) => sum + brightness(images.data, i), 0) / prompts.length;
  };
  const lines: Metrics[] = [];
  try {
    const before = await trainer.averaged(measure);
    for await (const line of trainer) lines.push(line);
    return { lines, rise: (await trainer.averaged(measure)) - before };
  } finally {
    await trainer.close();
    pipeline.dispose();
  }
}

describe.each(presets)("%s", (_, config) => {
  test("a constant reward: the gradient is exactly 0", async () => {
    const constant = defineReward("constant", ({ count }) => new Float32Array(count).fill(0.3));
    const { lines } = await train(config, ["train.epochs=2"], { reward: constant });
    expect(lines.map(({ gradNorm }) => gradNorm)).toEqual(lines.map(() => 0));
  });

  test("a reward that ignores the image: the drift is noise; one that looks at it is learned", async () => {
    const drift: number[] = [];
    const learned: number[] = [];
    for (let seed = 0; seed < 6; seed++) {
      const sets = [`seed=${seed}`, "train.epochs=6"];
      drift.push((await train(config, sets, { reward: blind(seed) })).rise);
      learned.push((await train(config, sets)).rise);
    }
    const errors = (values: number[]) => {
      const mean = values.reduce((a, b) => a + b) / values.length;
      const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1);
      return mean / Math.sqrt(variance / values.length);
    };
    expect(Math.abs(errors(drift))).toBeLessThan(3.5); // of a t with 5 degrees of freedom: 1 in 60 by chance, but the seeds are fixed
    expect(errors(learned)).toBeGreaterThan(5);
  });
});

describe("options of the update", () => {
  const base = { sampler: { steps: 4, eta: 0.8 }, train: { advantage: "group" } };

  test("the learning rate of the schedule is what a step is made with, and is logged", async () => {
    const { lines } = await train(base, ["train.schedule.warmup=2", "train.schedule.shape=cosine"]);
    expect(lines.map(({ lr }) => lr)).toEqual([0.005, 0.01, 0.01, 0]);
  });

  test("steps of each image's own: the gradient is the mean over the images' own", async () => {
    const pipeline = fakePipeline();
    const config = parseTrainConfig(base, small);
    const texts = ["a", "bb", "ccc"];
    const trained = [new Set([0]), new Set([1, 2]), new Set([0, 2])];
    const common = { pipeline, plan: trainingPlan(config, pipeline.path, 0), prompts: texts, seed: 2, ids: Uint32Array.of(0, 1, 2) }; // biome-ignore format: one thought
    const { policyGradients } = await import("../src/index.ts");
    const options = {
      ...config.train,
      pipeline,
      variables: pipeline.model.parameters("all"),
      guidance: 1,
      microBatch: 2,
    };
    const advantages = Float64Array.of(1, -2, 0.5);
    const gradients = async (of: typeof trained, images: number[], rollout: Awaited<ReturnType<typeof rollOut>>) =>
      (await policyGradients(options, { ...rollout, trained: of }, advantages, images)).gradients;
    const rollout = await rollOut({ ...common, trained });
    expect(rollout.steps.map(({ step }) => step.index)).toEqual([0, 1, 2]);
    const whole = await gradients(trained, [0, 1, 2], rollout);
    const parts = await Promise.all([0, 1, 2].map((i) => gradients(trained, [i], rollout)));
    const sum = (name: string) => tf.tidy(() => tf.addN(parts.map((part: NamedTensorMap, i) => part[name].mul(trained[i].size / 5))).dataSync().slice()); // biome-ignore format: one thought
    for (const name of Object.keys(whole))
      expect(whole[name].dataSync()).toBeAllclose(sum(name), { rtol: 1e-5, atol: 1e-7 });
    pipeline.dispose();
  });

  test("GRPO-Guard, best of n and steps of each image's own train together, over several updates", async () => {
    const sets = ["train.ratioNorm=true", "train.gradientWeight=1", "train.bestOf=2", "train.stepChoice=each", "train.trainedSteps=2", "train.innerEpochs=2"]; // biome-ignore format: a list
    const { lines, rise } = await train(base, sets);
    expect(lines).toHaveLength(8);
    for (const { ratio, epoch, step } of lines) if (step === 2 * epoch - 1) expect(ratio.max).toBeCloseTo(1, 6);
    expect(lines[1].ratio.max).not.toBe(1);
    expect(rise).toBeGreaterThan(0);
  });

  test("a part of the loop can be replaced", async () => {
    const seen: number[] = [];
    const { lines, rise } = await train(base, [], {
      stages: {
        advantagesOf: (input) => advantagesOf(input).map((advantage) => -advantage),
        updatePolicy: (options, rollout, advantages, images) => {
          seen.push(images.length);
          return updatePolicy(options, rollout, advantages, images);
        },
      },
    });
    expect(seen).toEqual(lines.map(() => 8));
    expect(rise).toBeLessThan(0);
  });

  test("too many gradients that are not finite: the run saves what it had, and stops; more may be allowed on resume", async () => {
    const out = join(root, "spoilt");
    const stages: Partial<Stages> = {
      updatePolicy: (options, ...rest) => {
        const predict = (...given: Parameters<Pipeline["predict"]>) =>
          options.pipeline.predict(...given).mul(Number.NaN);
        return updatePolicy(
          { ...options, pipeline: Object.assign(Object.create(options.pipeline), { predict }) },
          ...rest,
        );
      },
    };
    const sets = ["train.maxSkipped=2", "train.epochs=9", "checkpoint.every=5"];
    expect(await thrown(() => train(base, sets, { out, stages }))).toBe(
      "NOT_FINITE: train.maxSkipped is 2; allowed: fewer steps left out, since their gradient was not finite. The weights are as they were before them, and saved. Lower train.learningRate, or raise train.maxSkipped to go on.",
    );
    expect(readdirSync(join(out, "checkpoints"))).toEqual(["000002"]);
    const lines = readFileSync(join(out, "metrics.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line)); // biome-ignore format: short
    expect(lines.map(({ skipped, gradNorm }) => [skipped, gradNorm])).toEqual([[1, null], [2, null]]); // biome-ignore format: short
    const more = await train(base, [...sets, "train.maxSkipped=3"], { out, resume: true });
    expect(more.lines).toHaveLength(7);
  });
});

describe("averages of the weights", () => {
  const base = { sampler: { steps: 4, eta: 0.8 }, train: { ema: { decay: 0.6 } } };
  const weightsOf = (folder: string) => {
    const stored = readSafetensors(join(folder, "pytorch_lora_weights.safetensors"));
    return stored.names.map((name) => [...toFloat32(stored.get(name))]);
  };

  test("are saved beside the weights, and come back to the bit on resume", async () => {
    const [whole, cut] = [join(root, "ema-whole"), join(root, "ema-cut")];
    const sets = ["checkpoint.every=1", "checkpoint.keep=9"];
    await train(base, sets, { out: whole });
    await train(base, [...sets, "train.epochs=2"], { out: cut });
    await train(base, sets, { out: cut, resume: true });
    expect(runTrace(cut)).toEqual(runTrace(whole));
    const [at, averaged] = [join(whole, "checkpoints", "000004"), join(whole, "checkpoints", "000004", "ema")];
    expect(weightsOf(averaged)).not.toEqual(weightsOf(at));
    expect(weightsOf(join(cut, "checkpoints", "000004", "ema"))).toEqual(weightsOf(averaged));
  });

  test("follow min(decay, (1 + n)/(10 + n)) of the weights of every update", async () => {
    const out = join(root, "ema-values");
    await train(base, ["checkpoint.every=1", "checkpoint.keep=9"], { out });
    const at = (epoch: number) => weightsOf(join(out, "checkpoints", `00000${epoch}`))[0];
    let average = at(1).map(() => 0); // the adapter begins at 0 with seed 0
    for (const epoch of [1, 2, 3, 4]) {
      const kept = Math.min(0.6, (1 + epoch) / (10 + epoch));
      average = average.map((v, k) => kept * v + (1 - kept) * at(epoch)[k]);
    }
    expect(weightsOf(join(out, "checkpoints", "000004", "ema"))[0]).toBeAllclose(average, { rtol: 1e-5, atol: 1e-8 });
  });

  test("evaluate: false leaves measurements to the weights themselves", async () => {
    const [by, without] = [await train(base, []), await train(base, ["train.ema.evaluate=false"])];
    expect(without.rise).toBeGreaterThan(by.rise);
    expect(without.lines.map(({ loss }) => loss)).toEqual(by.lines.map(({ loss }) => loss));
  });
});
