import type { StudyConfigInput } from "./StudyConfig.ts";

/** Studies of the tiny default, by name. quick: three etas on jpeg-incompressibility, one on tiny-clip; minutes on two CPU cores. */
export const studyPresets: Readonly<Record<"quick", StudyConfigInput>> = {
  quick: {
    trainings: [
      {
        reward: "jpeg-incompressibility",
        etas: [0.3, 0.7, 1.2],
        epochs: [6, 12],
        train: {
          algorithm: "ddpo",
          sampler: { steps: 8 },
          train: {
            promptsPerEpoch: 8,
            groupSize: 6,
            parameters: "all",
            learningRate: 2e-4,
            clip: 1e-2,
            trainedSteps: 2,
          },
        },
      },
      {
        reward: "tiny-clip",
        etas: [1.2],
        epochs: [6, 12],
        train: {
          algorithm: "mixgrpo",
          sampler: { steps: 8, shift: 1, rule: "gddim", window: { strategy: "progressive", size: 3, every: 4 } },
          train: {
            promptsPerEpoch: 8,
            groupSize: 8,
            parameters: "all",
            learningRate: 2e-4,
            clip: 1e-2,
            noiseLevelWeight: 4,
          },
        },
      },
    ],
    // Not the default seed of measurements, which the settings above were chosen on.
    measure: { samples: 48, steps: 8, seed: 2_000_003 },
  },
};
