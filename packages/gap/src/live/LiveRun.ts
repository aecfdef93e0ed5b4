import type { BestCheckpoint, Metrics, SampleLine } from "@etalon/trainers";
import type { EpochGap } from "../measure/measuredTraining.ts";

/** A run as its folder tells of it at a moment. */
export interface LiveRun {
  name: string;
  dir: string;
  reward: string;
  eta: string;
  /** Epochs that it is to train, and images of each. */
  epochs: number;
  images: number;
  metrics: readonly Metrics[];
  gaps: readonly EpochGap[];
  samples: readonly SampleLine[];
  best?: BestCheckpoint;
  /** Epochs done. */
  epoch: number;
  /** Whether a process holds it. */
  isRunning: boolean;
  /** Seconds an epoch takes, over the last ten. */
  pace?: number;
  /** Seconds to the end, while it runs. */
  left?: number;
}
