import type { Pipeline } from "@etalon/models";
import type { Reward } from "@etalon/rewards";
import type { TrainConfig } from "./config/TrainConfig.ts";
import type { Forecast } from "./forecastEpoch.ts";
import type { LoadedParts } from "./loadParts.ts";
import type { SelfCheck } from "./selfCheck.ts";
import type { EventFile } from "./tensorboard/EventFile.ts";

/** One update, as a line of metrics.jsonl. */
export interface Metrics {
  /** Updates and epochs done, from 1. */
  step: number;
  epoch: number;
  /** Of the epoch's images; for a mix also each part's mean, by its name. */
  reward: { mean: number; std: number; [part: string]: number };
  loss: number;
  ratio: { mean: number; max: number };
  /** The share of samples whose ratio left 1 ± clip. */
  clipFraction: number;
  kl: number;
  /** Before it was cut; null where it was not finite, and the step was left out. */
  gradNorm: number | null;
  lr: number;
  /** Steps left out so far. */
  skipped: number;
  /** Wall-clock; rollout and reward are those of the epoch. */
  seconds: { rollout: number; reward: number; update: number };
}

/** How far a long call has come. */
export interface Progress {
  stage: string;
  done: number;
  total: number;
  note?: string;
}

/**
 * A training run: iterate over it to train; each update gives its metrics, once its whole epoch is done and logged. At that moment the model may be measured or
 * saved. A second iteration goes on where the first was left.
 */
export interface Trainer extends AsyncIterable<Metrics> {
  readonly config: TrainConfig;
  /** The run folder, where there is one. */
  readonly runDir?: string;
  /** Writes a checkpoint of the last epoch that is done. @throws EtalonError UNSUPPORTED: the run has no folder; IO */
  save(): Promise<void>;
  /** Frees what the run holds: its lock, and the models that it loaded itself. */
  close(): Promise<void>;
}

/** A trainer whose models are loaded and whose start-up checks have passed. */
export interface OpenTrainer extends Trainer {
  readonly pipeline: Pipeline;
  readonly reward: Reward;
  readonly prompts: readonly string[];
  /** Prompts that are kept out of training, what files say of prompts, and what was left out of the lists. */
  readonly data: LoadedParts["data"];
  readonly checks: SelfCheck;
  /** Predicts an epoch's time and memory from a step that is timed here, and keeps it in the run's self-check.json. Trains nothing. */
  forecast(): Promise<Forecast>;
  /** Calls a function with the averaged weights in the model's, where the run has averages and evaluates by them; else with the model as it is. Measure within it. */
  averaged<T>(inner: () => Promise<T>): Promise<T>;
  /** Epochs done; above 0 at once on a resumed run. */
  readonly epoch: number;
  /** TensorBoard's event file, where config.log.tensorboard asks for one: what is measured beside the loop can be added. */
  readonly events?: EventFile;
}
