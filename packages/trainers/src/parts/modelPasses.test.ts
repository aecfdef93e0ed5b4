import { engine } from "@etalon/engine";
import type { Pipeline } from "@etalon/models";
import { defineReward } from "@etalon/rewards";
import { beforeAll, expect, test } from "vitest";
import { fakePipeline } from "../../test/fakePipeline.ts";
import { parseTrainConfig } from "../config/parseTrainConfig.ts";
import { trainPresets } from "../config/trainPresets.ts";
import { Learner } from "../run/Learner.ts";
import { trainEpoch } from "../trainEpoch.ts";
import { modelPasses } from "./modelPasses.ts";

beforeAll(() => engine("wasm"));

/** A pipeline that counts the images that go through it: in rollouts, and in `predict`. */
function counting(pipeline: Pipeline) {
  const count = { rollout: 0, predict: 0 };
  const counted: Pipeline = Object.assign(Object.create(pipeline) as Pipeline, {
    predict: (...[x, ...rest]: Parameters<Pipeline["predict"]>) => {
      count.predict += x.shape[0];
      return pipeline.predict(x, ...rest);
    },
    denoiser: (...given: Parameters<Pipeline["denoiser"]>) => {
      const inner = pipeline.denoiser(...given);
      const denoise = (x: Float32Array, t: number) => {
        const out = inner(x, t);
        count.rollout += given[0].length * (out instanceof Float32Array ? 1 : 2);
        return out;
      };
      return Object.assign(denoise, { dispose: () => inner.dispose() });
    },
  });
  return { counted, count };
}

const paper = { algorithm: "mixgrpo", sampler: { window: { every: 1 } }, train: { groupSize: 2 } };
const cases = {
  ...Object.fromEntries(Object.entries(trainPresets).map(([name, { config }]) => [name, config])),
  "MixGRPO of the paper": paper,
  "its Flash": { ...paper, sampler: { window: { every: 1, flash: {} } } },
  "guidance, two passes over the images": {
    sampler: { steps: 5, guidance: 3 },
    train: { innerEpochs: 2, groupSize: 2 },
  },
  "Heun after the window": { sampler: { steps: 8, window: { size: 2, flash: { solver: "heun", ratio: 0.5 } } } },
  "steps of each image's own": { sampler: { steps: 9 }, train: { timestepFraction: 0.6, stepChoice: "each" } },
};

test.each(Object.entries(cases))("what it says is what an epoch does: %s", async (_, json) => {
  const config = parseTrainConfig(json, ["train.promptsPerEpoch=2"]);
  const pipeline = fakePipeline();
  const { counted, count } = counting(pipeline);
  const learner = new Learner(config, counted);
  const reward = defineReward("rows", ({ count: images }) => Float32Array.from({ length: images }, (_, i) => i % 5));
  const images = 2 * config.train.groupSize;
  for (let epoch = 0; epoch < 3; epoch++) {
    Object.assign(count, { rollout: 0, predict: 0 });
    await trainEpoch(config, { pipeline: counted, reward, prompts: ["cat", "blue fish"] }, learner);
    const { rollout, training, reference } = modelPasses(config, pipeline.path, epoch);
    expect([count.rollout / images, count.predict / images]).toEqual([rollout, training + reference]);
  }
  learner.dispose();
  pipeline.dispose();
});

test("MixGRPO's 25 passes to draw and 4 to train an image, as in its paper; Flash 12 for the same 4", () => {
  const { path } = fakePipeline();
  const passes = (json: object) => modelPasses(parseTrainConfig(json), path, 0);
  expect(passes({ algorithm: "mixgrpo" })).toEqual({ rollout: 25, training: 4, reference: 0 });
  expect(passes({ algorithm: "mixgrpo", sampler: { window: { flash: {} } } })).toEqual({ rollout: 12, training: 4, reference: 0 }); // biome-ignore format: one thought
});
