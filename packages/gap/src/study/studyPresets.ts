import type { StudyConfigInput } from "./StudyConfig.ts";

type Training = StudyConfigInput["trainings"][number];

/** Towards pictures that JPEG cannot make small, at a learning rate that is small and with most steps trained on: at 2e-4 and two steps the rise was that of a walk without a signal. */
const jpeg = (learningRate: number) =>
  ({
    reward: "jpeg-incompressibility",
    train: {
      algorithm: "ddpo",
      sampler: { steps: 8 },
      train: { promptsPerEpoch: 8, groupSize: 6, parameters: "all", learningRate, clip: 1e-2, trainedSteps: 6 },
    },
  }) satisfies Partial<Training>;

/** Towards pictures that fit their prompt: those that people understand. */
const clip = (learningRate: number) =>
  ({
    reward: "tiny-clip",
    train: {
      algorithm: "mixgrpo",
      sampler: { steps: 8, shift: 1, rule: "gddim", window: { strategy: "progressive", size: 3, every: 4 } },
      train: { promptsPerEpoch: 8, groupSize: 8, parameters: "all", learningRate, clip: 1e-2, noiseLevelWeight: 4 },
    },
  }) satisfies Partial<Training>;

/** Not the default seed of measurements, which the settings of the trainings were chosen on. */
const seed = 2_000_003;

/**
 * Studies of the tiny default, by name: minutes on two CPU cores. `quick` trains at four etas, below and above the paper's, with two training seeds each, on
 * jpeg-incompressibility, and at two on tiny-clip. `quick-wasm` is what the wasm engine does in about the same time: three etas and one, one seed, fewer pictures.
 */
export const studyPresets: Readonly<Record<"quick" | "quick-wasm", StudyConfigInput>> = {
  quick: {
    trainings: [
      { ...jpeg(5e-5), etas: [0.3, 0.7, 1.2, 2], seeds: [0, 1], epochs: [8, 16] },
      { ...clip(7.5e-5), etas: [0.3, 1.2], seeds: [0, 1], epochs: [8, 16] },
    ],
    measure: { samples: 96, steps: 8, seed },
  },
  "quick-wasm": {
    trainings: [
      { ...jpeg(8e-5), etas: [0.3, 0.7, 1.2], epochs: [5, 10] },
      { ...clip(1.2e-4), etas: [1.2], epochs: [5, 10] },
    ],
    measure: { samples: 48, steps: 8, seed },
  },
};
