import type { StudyConfigInput } from "./StudyConfig.ts";

/** Studies of the tiny default, by name. quick: three etas on jpeg-incompressibility, one on tiny-clip; minutes on two CPU cores. */
export const studyPresets: Readonly<Record<"quick", StudyConfigInput>> = {
  quick: {
    trainings: [
      {
        reward: "jpeg-incompressibility",
        etas: [0.3, 0.7, 1.2],
        epochs: [10, 20],
        train: {
          algorithm: "ddpo",
          sampler: { steps: 8 },
          train: {
            promptsPerEpoch: 8,
            groupSize: 6,
            parameters: "all",
            learningRate: 1e-4,
            clip: 1e-2,
            trainedSteps: 3,
          },
        },
      },
      {
        reward: "tiny-clip",
        etas: [1.2],
        epochs: [12, 24],
        train: {
          algorithm: "mixgrpo",
          sampler: { steps: 8, shift: 1, rule: "gddim", window: { strategy: "progressive", size: 3, every: 5 } },
          train: {
            promptsPerEpoch: 8,
            groupSize: 6,
            parameters: "all",
            learningRate: 2e-4,
            clip: 1e-2,
            noiseLevelWeight: 4,
          },
        },
      },
    ],
    measure: { samples: 64, steps: 8 },
  },
};
