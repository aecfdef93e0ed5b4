import { engine, tf } from "@etalon/engine";
import type { Pipeline } from "@etalon/models";
import { defineReward, type Reward } from "@etalon/rewards";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { fakePipeline } from "../test/fakePipeline.ts";
import { parseTrainConfig } from "./config/parseTrainConfig.ts";
import { describeForecast, forecastEpoch } from "./forecastEpoch.ts";
import { modelPasses } from "./parts/modelPasses.ts";
import { Learner } from "./run/Learner.ts";

beforeAll(() => engine("wasm"));
afterEach(() => vi.restoreAllMocks());

/** Seconds that an image takes: a model output in a rollout, its decoding, a pass of an update. */
const cost = { output: 1, decode: 0.25, score: 0.5, pass: 3 };

/** A pipeline and a reward whose every call moves the clock, and nothing else does. @param scale  of what the n-th call of a kind takes, from 0 */
function clocked(pipeline: Pipeline, scale = (_n: number) => 1): { pipeline: Pipeline; reward: Reward } {
  let now = 0;
  const calls = { output: 0, decode: 0, score: 0, pass: 0 };
  const take = (kind: keyof typeof cost, images: number) => {
    now += scale(calls[kind]++) * cost[kind] * images;
  };
  vi.spyOn(performance, "now").mockImplementation(() => 1000 * now);
  const reward = defineReward("none", ({ count }) => {
    take("score", count);
    return new Float32Array(count);
  });
  const slow = Object.assign(Object.create(pipeline) as Pipeline, {
    predict: (...[x, ...rest]: Parameters<Pipeline["predict"]>) => {
      take("pass", x.shape[0]);
      return pipeline.predict(x, ...rest);
    },
    decode: (...[latents, count, ...rest]: Parameters<Pipeline["decode"]>) => {
      take("decode", count);
      return pipeline.decode(latents, count, ...rest);
    },
    denoiser: (...given: Parameters<Pipeline["denoiser"]>) => {
      const inner = pipeline.denoiser(...given);
      const denoise = (x: Float32Array, t: number) => {
        const out = inner(x, t);
        take("output", given[0].length * (out instanceof Float32Array ? 1 : 2));
        return out;
      };
      return Object.assign(denoise, { dispose: () => inner.dispose() });
    },
  });
  return { pipeline: slow, reward };
}

test("calls that get faster are timed until they have", async () => {
  const config = parseTrainConfig({ sampler: { steps: 6 } }, ["train.promptsPerEpoch=6"]);
  const { pipeline, reward } = clocked(fakePipeline(), (n) => (n < 2 ? 5e-3 : 1e-3));
  const learner = new Learner(config, pipeline, undefined);
  const { seconds } = await forecastEpoch(config, { pipeline, prompts: ["a", "bb"], reward }, learner);
  const images = 6 * config.train.groupSize;
  const { rollout, training } = modelPasses(config, pipeline.path, 0);
  expect(seconds.rollout).toBeCloseTo(1e-3 * (rollout * cost.output + cost.decode) * images, 3);
  expect(seconds.update).toBeCloseTo(1e-3 * training * cost.pass * images, 3);
  expect(seconds.reward).toBeCloseTo(5e-3 * cost.score * images, 3); // asked once: a reward may be dear
  learner.dispose();
});

test.each([
  ["every step", { sampler: { steps: 6 } }],
  ["guidance, some steps, two passes over the images", { sampler: { steps: 5, guidance: 3 }, train: { trainedSteps: 2, innerEpochs: 2 } }],
  ["a window, best of n", { algorithm: "mixgrpo", sampler: { window: { size: 3 } }, train: { groupSize: 4, bestOf: 2 } }],
])("where time is the model's, it predicts what the epoch's passes take: %s", async (_, json) => {
  const config = parseTrainConfig(json, ["train.promptsPerEpoch=6"]);
  const { pipeline, reward } = clocked(fakePipeline());
  const learner = new Learner(config, pipeline, undefined);
  const before = [...learner.variables.values()].map((variable) => [...variable.dataSync()]);
  const tensors = tf.memory().numTensors;

  const forecast = await forecastEpoch(config, { pipeline, prompts: ["a", "bb", "ccc"], reward }, learner);

  const images = 6 * config.train.groupSize;
  const { rollout, training } = modelPasses(config, pipeline.path, 0);
  expect(forecast.seconds.rollout).toBeCloseTo((rollout * cost.output + cost.decode) * images, 2);
  expect(forecast.seconds.reward).toBeCloseTo(cost.score * images, 2);
  expect(forecast.seconds.update).toBeCloseTo(training * cost.pass * images, 2);
  const values = 4 * 4 * 3;
  const kept = training / (config.sampler.guidance === 1 ? 1 : 2) / config.train.innerEpochs / ((config.train.bestOf ?? config.train.groupSize) / config.train.groupSize);
  expect(forecast.bytes.rollout).toBe(4 * values * images * (kept + 1 + (config.train.ratioNorm ? kept : 0)));
  const held = 4 * [...learner.variables.values()].reduce((sum, { size }) => sum + size, 0);
  expect(forecast.bytes.update).toBeGreaterThan(held);
  expect(describeForecast(forecast)).toContain(`rollout ${forecast.seconds.rollout.toPrecision(2)}, reward ${forecast.seconds.reward.toPrecision(2)}`);

  expect(describeForecast({ ...forecast, bytes: { update: 712e6, rollout: 3.94e6, fromConfig: 1.26e10 } })).toContain("712 MB of tensors at its peak (13 GB by the model's config), beside 3.9 MB of trajectories");

  expect([...learner.variables.values()].map((variable) => [...variable.dataSync()])).toEqual(before);
  expect(tf.memory().numTensors).toBe(tensors);
  learner.dispose();
}); // biome-ignore format: a table
