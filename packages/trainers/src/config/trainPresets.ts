import { check } from "@etalon/errors";
import type { TrainConfigInput } from "./TrainConfig.ts";

/** A config by name, with what it is for. */
export interface TrainPreset {
  description: string;
  config: TrainConfigInput;
}

/**
 * Training configs for the tiny default: they learn within minutes on two CPU cores. They learn slowly: what a walk without a direction does to a model goes with the square
 * of the learning rate, what is learned with the rate (docs/which-algorithm.md).
 */
export const trainPresets: Readonly<Record<string, TrainPreset>> = {
  "tiny-ddpo": {
    description: "DDPO on every step at eta 1.2, all parameters, towards images that JPEG cannot make small",
    config: {
      algorithm: "ddpo",
      reward: "jpeg-incompressibility",
      sampler: { eta: 1.2, steps: 10 },
      train: { epochs: 60, parameters: "all", learningRate: 2.5e-5, clip: 1e-2, trainedSteps: 4 },
    },
  },
  "tiny-mixgrpo": {
    description:
      "MixGRPO with a moving window of 3 steps at eta 1.2, all parameters, towards images that fit their prompt",
    config: {
      algorithm: "mixgrpo",
      reward: "tiny-clip",
      sampler: { eta: 1.2, steps: 10, shift: 1, rule: "gddim", window: { strategy: "progressive", size: 3, every: 3 } },
      train: { epochs: 96, groupSize: 8, parameters: "all", learningRate: 2.5e-5, clip: 1e-2, noiseLevelWeight: 4 },
    },
  },
  "tiny-mixgrpo-flash": {
    description:
      "MixGRPO-Flash: as tiny-mixgrpo, with fewer steps by DPM-Solver++ after the window, towards images that fit their prompt",
    config: {
      algorithm: "mixgrpo",
      reward: "tiny-clip",
      sampler: {
        eta: 1.2,
        steps: 10,
        shift: 1,
        rule: "gddim",
        window: { strategy: "progressive", size: 3, every: 3, flash: {} },
      },
      train: { epochs: 96, groupSize: 8, parameters: "all", learningRate: 2.5e-5, clip: 1e-2, noiseLevelWeight: 4 },
    },
  },
  "tiny-flow-grpo": {
    description: "Flow-GRPO's noise at level 0.7 with a KL term, LoRA, towards images that fit their prompt",
    config: {
      algorithm: "flow-grpo",
      reward: "tiny-clip",
      sampler: { eta: 0.7, steps: 10 },
      train: {
        epochs: 48,
        groupSize: 8,
        learningRate: 1e-3,
        clip: 1e-2,
        trainedSteps: 4,
        noiseLevelWeight: 4,
        lora: { rank: 8, alpha: 16 },
      },
    },
  },
  "tiny-flow-grpo-fast": {
    description:
      "Flow-GRPO-Fast: two noisy steps somewhere in the first half of an ODE trajectory, all parameters, towards images that fit their prompt",
    config: {
      algorithm: "flow-grpo",
      reward: "tiny-clip",
      sampler: { eta: 0.7, steps: 10, sharedNoise: true, window: { strategy: "random", size: 2, end: 5 } },
      train: {
        epochs: 96,
        groupSize: 8,
        parameters: "all",
        learningRate: 2.5e-5,
        clip: 1e-2,
        noiseLevelWeight: 4,
        kl: 0,
      },
    },
  },
  "tiny-dance-grpo": {
    description:
      "DanceGRPO's noise at level 0.3, the best and the worst two of eight images and 0.6 of their steps, towards images that fit their prompt",
    config: {
      algorithm: "dance-grpo",
      reward: "tiny-clip",
      sampler: { eta: 0.3, steps: 10, shift: 1 },
      train: {
        epochs: 96,
        groupSize: 8,
        bestOf: 4,
        parameters: "all",
        learningRate: 2.5e-5,
        clip: 1e-2,
        updatesPerEpoch: 1,
        noiseLevelWeight: 4,
      },
    },
  },
};

/** The preset of a name. @throws EtalonError NOT_FOUND: with the names there are, and the nearest */
export const trainPreset = (name: string): TrainPreset =>
  trainPresets[check.oneOf("preset", name, Object.keys(trainPresets), "NOT_FOUND")];
