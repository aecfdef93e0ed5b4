// What `study:algorithms` compares: configs by name. Those of a group differ in what the name says only; every one gets as many epochs as its cost allows.

import { trainPreset } from "@etalon/trainers";

/** The presets, each as it is. */
export const presetNames = ["tiny-ddpo", "tiny-mixgrpo", "tiny-mixgrpo-flash", "tiny-flow-grpo", "tiny-flow-grpo-fast", "tiny-dance-grpo"]; // biome-ignore format: a list

const common = {
  reward: "tiny-clip",
  sampler: { steps: 10, shift: 1 },
  train: { promptsPerEpoch: 8, groupSize: 8, parameters: "all", learningRate: 2e-4, clip: 1e-2, noiseLevelWeight: 4 },
};
const window = { strategy: "progressive", size: 3, every: 2 };
const mix = merge(common, { algorithm: "mixgrpo", sampler: { eta: 1.2, rule: "gddim", window } });
/** The same at a quarter of the rate, for groups of twice the passes. */
const slowly = (config) => merge(config, { train: { learningRate: 5e-5 } });
/** `tiny-mixgrpo` as it was until its epochs and its learning rate were chosen, on seed 0: what `tuning` gives is the choice's ground, not its test. */
const early = {
  algorithm: "mixgrpo",
  reward: "tiny-clip",
  sampler: { eta: 1.2, steps: 10, shift: 1, rule: "gddim", window: { strategy: "progressive", size: 3, every: 3 } },
  train: { epochs: 24, groupSize: 8, parameters: "all", learningRate: 2e-4, clip: 1e-2, noiseLevelWeight: 4 },
};
const halves = { train: { updatesPerEpoch: 4, innerEpochs: 1 } };

/** A preset with a reward that looks at no image. */
const blind = (name, reward = "blind") => merge(trainPreset(name).config, { reward });

/** An adapter, which a KL to the model without it needs. */
const lora = merge(mix, { train: { parameters: "lora", learningRate: 2e-3 } });

/** The algorithms, from the settings that they share. */
const algorithms = (base, mix) => ({
  "MixGRPO, window 3": mix,
  "MixGRPO-Flash": merge(mix, { sampler: { window: { flash: {} } } }),
  "MixGRPO-Flash*, frozen window": merge(mix, { sampler: { window: { strategy: "frozen", flash: {} } } }),
  "MixGRPO, an x_T an image": merge(mix, { sampler: { sharedNoise: false } }),
  DDPO: merge(base, { algorithm: "ddpo", sampler: { eta: 1.2 }, train: { trainedSteps: 3 } }),
  "Flow-GRPO, no KL": merge(base, {
    algorithm: "flow-grpo",
    sampler: { eta: 0.7 },
    train: { kl: 0, trainedSteps: 3 },
  }),
  "Flow-GRPO-Fast": merge(base, {
    algorithm: "flow-grpo",
    sampler: { eta: 0.7, sharedNoise: true, window: { strategy: "random", size: 2, end: 5 } },
    train: { kl: 0 },
  }),
  DanceGRPO: merge(base, {
    algorithm: "dance-grpo",
    train: { timestepFraction: null, trainedSteps: 3, updatesPerEpoch: 1 },
  }),
  "DanceGRPO, best of n": merge(base, {
    algorithm: "dance-grpo",
    train: { timestepFraction: null, trainedSteps: 3, updatesPerEpoch: 1, bestOf: 4 },
  }),
});

/** η, and schedules of it. */
const etas = (mix) => ({
  "η 1.2": mix,
  "η 0.3": merge(mix, { sampler: { eta: 0.3 } }),
  "η 0.7": merge(mix, { sampler: { eta: 0.7 } }),
  "η 2": merge(mix, { sampler: { eta: 2 } }),
  "1.5 → 0.5 in training": merge(mix, { sampler: { eta: { along: "training", from: 1.5, to: 0.5 } } }),
  "1.5 → 0.5 along the trajectory": merge(mix, { sampler: { eta: { along: "trajectory", from: 1.5, to: 0.5 } } }),
  "0.5 → 1.5 along the trajectory": merge(mix, { sampler: { eta: { along: "trajectory", from: 0.5, to: 1.5 } } }),
});

/** Groups that get more passes than the others: how many times as many epochs of MixGRPO pay for them. */
export const times = { "slow algorithms": 2, "slow eta": 2 };

/** Name → config. The first of a group is what the others are held against. */
export const groups = {
  algorithms: algorithms(common, mix),
  "weights on-policy": {
    "noise-level weight": mix,
    "no weight": merge(mix, { train: { noiseLevelWeight: 0 } }),
    "GRPO-Guard": merge(mix, { train: { noiseLevelWeight: 0, ratioNorm: true, gradientWeight: 4 } }),
  },
  "weights off-policy": {
    "noise-level weight": merge(mix, halves),
    "no weight": merge(mix, halves, { train: { noiseLevelWeight: 0 } }),
    "GRPO-Guard": merge(mix, halves, { train: { noiseLevelWeight: 0, ratioNorm: true, gradientWeight: 4 } }),
  },
  eta: etas(mix),
  kl: {
    "no KL": lora,
    "KL 0.04": merge(lora, { train: { kl: 0.04 } }),
    "KL 0.4": merge(lora, { train: { kl: 0.4 } }),
    "KL 4": merge(lora, { train: { kl: 4 } }),
  },
  averages: {
    "as it is": mix,
    "EMA 0.9": merge(mix, { train: { ema: { decay: 0.9 } } }),
    "cosine to 0": merge(mix, { train: { schedule: { shape: "cosine", warmup: 2 } } }),
  },
  "slow algorithms": algorithms(slowly(common), slowly(mix)),
  "slow eta": etas(slowly(mix)),
  "nothing to learn": {
    "tiny-ddpo, by jpeg-incompressibility": blind("tiny-ddpo", "blind:jpeg-incompressibility"),
    "tiny-ddpo, by tiny-clip": blind("tiny-ddpo"),
    ...Object.fromEntries(presetNames.slice(1).map((name) => [name, blind(name)])),
  },
  tuning: {
    "2e-4, 24 epochs": early,
    "4e-4": merge(early, { train: { learningRate: 4e-4 } }),
    "8e-4": merge(early, { train: { learningRate: 8e-4 } }),
    "2e-4, no weight": merge(early, { train: { noiseLevelWeight: 0 } }),
    "4e-4, no weight": merge(early, { train: { learningRate: 4e-4, noiseLevelWeight: 0 } }),
    "1e-4, 48 epochs": merge(early, { train: { epochs: 48, learningRate: 1e-4 } }),
    "2.5e-5, 96 epochs": merge(early, { train: { epochs: 96, learningRate: 2.5e-5 } }),
    "LoRA, 2e-3": merge(early, { train: { parameters: "lora", learningRate: 2e-3 } }),
    "LoRA, 4e-3": merge(early, { train: { parameters: "lora", learningRate: 4e-3 } }),
    "1e-4, GRPO-Guard, two inner epochs": merge(early, {
      train: { learningRate: 1e-4, noiseLevelWeight: 0, ratioNorm: true, gradientWeight: 4, innerEpochs: 2 },
    }),
  },
};

/** Lays configs on each other, object by object. */
function merge(...configs) {
  const out = {};
  for (const config of configs) {
    for (const [key, value] of Object.entries(config)) {
      const both = isObject(out[key]) && isObject(value);
      out[key] = both ? merge(out[key], value) : value;
    }
  }
  return out;
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
