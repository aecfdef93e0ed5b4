import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AdamW, type Tensor, tf, type Variable } from "@etalon/engine";
import { EtalonError } from "@etalon/errors";
import type { ParameterChoice, Pipeline } from "@etalon/models";
import { readSafetensors, toFloat32, writeSafetensors } from "@etalon/weights";
import writeFileAtomic from "write-file-atomic";
import { atPath } from "../config/atPath.ts";
import type { TrainConfig } from "../config/TrainConfig.ts";
import { Buckets } from "../parallel/Buckets.ts";
import { Arena } from "../parts/Arena.ts";
import { type PromptRewards, PromptStatistics } from "../parts/PromptStatistics.ts";
import { WeightAverages } from "../parts/WeightAverages.ts";
import type { OdeReward } from "./checkpoint.ts";

const fullFile = "diffusion_pytorch_model.safetensors";
const optimiserFile = "optimizer.safetensors";
const averagesFolder = "ema";
const stateFile = "state.json";

/** Where a run stands. */
export interface Standing {
  epoch: number;
  step: number;
  skipped: number;
}

/** What a checkpoint holds beside the learner's own: what it was drawn from, and how good it is. */
export interface CheckpointNotes {
  /** `promptDigest` of the list that is trained on. */
  data?: string;
  /** Mean reward of the sample grid. */
  ode?: OdeReward;
}

type State = Standing & CheckpointNotes & { statistics: PromptRewards[] };

/** All of a run that training changes: parameters, optimiser, statistics, counters. Everything that is drawn is a function of (seed, epoch), so there is no generator to save. */
export class Learner {
  readonly standing: Standing = { epoch: 0, step: 0, skipped: 0 };
  readonly variables: ReadonlyMap<string, Variable>;
  readonly optimiser: AdamW;
  /** One a term of the reward; more than one only where a mix adds up advantages. */
  readonly statistics: PromptStatistics[] = [];
  /** The memory of the rollouts. */
  readonly arena = new Arena();
  /** The moving average of the weights, where the config asks for one. */
  readonly averages: WeightAverages | undefined;
  /** What the checkpoint that it was loaded from says of itself. */
  readonly notes: CheckpointNotes = {};
  #buckets: Buckets | undefined;
  readonly #config: TrainConfig;
  readonly #pipeline: Pipeline;

  /**
   * A learner at its beginning, or, from a checkpoint's folder, where that was written.
   * @throws EtalonError BAD_FILE: names the file of the checkpoint that is cut or does not fit; OUT_OF_RANGE, NOT_FOUND, UNSUPPORTED: a key that the model does not take
   */
  constructor(config: TrainConfig, pipeline: Pipeline, checkpoint?: string) {
    this.#config = config;
    this.#pipeline = pipeline;
    const { parameters, lora, learningRate, optimiser, ema } = config.train;
    const state = checkpoint === undefined ? undefined : readState(checkpoint);
    if (parameters === "lora" && checkpoint === undefined)
      atPath(adapterPlaces(lora), () => pipeline.model.addAdapter(lora, config.seed));
    const averaged = ema && checkpoint !== undefined ? this.#readAverages(join(checkpoint, averagesFolder)) : undefined;
    if (checkpoint !== undefined) this.#read(checkpoint);
    this.variables = atPath({ parameters: ["train.parameters", parameters] }, () =>
      pipeline.model.parameters(choiceOf(parameters)),
    );
    this.averages = ema ? new WeightAverages(this.variables, ema.decay, averaged) : undefined;
    for (const tensor of averaged?.values() ?? []) tensor.dispose();
    this.optimiser = new AdamW(this.variables, { learningRate, ...optimiser });
    if (checkpoint === undefined || state === undefined) return;
    this.optimiser.load(readTensors(join(checkpoint, optimiserFile)));
    for (const [i, rewards] of state.statistics.entries()) this.statisticsOf(i).load(rewards);
    const { epoch, step, skipped, data, ode } = state;
    Object.assign(this.standing, { epoch, step, skipped });
    Object.assign(this.notes, { data, ode });
  }

  /** The running statistics of a term of the reward. */
  statisticsOf(term: number): PromptStatistics {
    this.statistics[term] ??= new PromptStatistics(this.#config.train.statistics);
    return this.statistics[term];
  }

  /** What gradients travel in among ranks; made at the first call. */
  get buckets(): Buckets {
    this.#buckets ??= new Buckets(this.variables, 1e6 * this.#config.parallel.bucketMB);
    return this.#buckets;
  }

  /** Writes the files of a checkpoint into a folder. */
  write(folder: string, notes: CheckpointNotes = {}): void {
    this.#save(folder);
    const putBack = this.averages?.putIn();
    if (putBack) {
      try {
        this.#save(join(folder, averagesFolder));
      } finally {
        putBack();
      }
    }
    const moments = [...this.optimiser.state()].map(([name, { shape, data }]) => [name, { dtype: "F32" as const, shape, data }]); // biome-ignore format: one thought
    writeSafetensors(join(folder, optimiserFile), Object.fromEntries(moments));
    const state = { ...this.standing, ...notes, statistics: this.statistics.map((statistics) => statistics.state()) };
    writeFileAtomic.sync(join(folder, stateFile), `${JSON.stringify(state)}\n`);
  }

  /** The weights, in the form that others load: the adapter, or a model of its own (`etalon sample --model FOLDER`). */
  #save(folder: string): void {
    mkdirSync(folder, { recursive: true });
    if (this.#config.train.parameters === "lora") this.#pipeline.model.saveAdapter(folder);
    else this.#pipeline.save(folder);
  }

  #read(folder: string): void {
    if (this.#config.train.parameters === "lora") this.#pipeline.model.loadAdapter(folder);
    else this.#pipeline.model.load(join(folder, fullFile));
  }

  /** The averages of a checkpoint, by way of the model: it holds them afterwards. */
  #readAverages(folder: string): ReadonlyMap<string, Tensor> {
    this.#read(folder);
    const variables = this.#pipeline.model.parameters(choiceOf(this.#config.train.parameters));
    return new Map([...variables].map(([name, variable]) => [name, tf.keep(tf.clone(variable))]));
  }

  dispose(): void {
    this.optimiser.dispose();
    this.averages?.dispose();
  }
}

/** Too large an adapter is its rank's fault: the engine speaks of a tensor. */
const adapterPlaces = ({ rank }: TrainConfig["train"]["lora"]) =>
  ({ rank: "train.lora.rank", alpha: "train.lora.alpha", "size of a tensor": ["train.lora.rank", rank] }) as const;

const choiceOf = (parameters: string): ParameterChoice =>
  parameters === "lora" || parameters === "all" ? parameters : new RegExp(parameters);

function readState(checkpoint: string): State {
  const file = join(checkpoint, stateFile);
  try {
    const state = JSON.parse(readFileSync(file, "utf8")) as State;
    if ([state.epoch, state.step, state.skipped].every(Number.isInteger) && Array.isArray(state.statistics))
      return state;
  } catch (cause) {
    throw cut(file, cause);
  }
  throw cut(file);
}

function readTensors(file: string) {
  if (!existsSync(file)) throw cut(file);
  const stored = readSafetensors(file);
  return new Map(
    stored.names.map((name) => {
      const tensor = stored.get(name);
      return [name, { shape: tensor.shape, data: toFloat32(tensor) }] as const;
    }),
  );
}

const cut = (file: string, cause?: unknown) =>
  new EtalonError(
    "BAD_FILE",
    { argument: "checkpoint", value: file, allowed: "the file that the run wrote", hint: "Delete this checkpoint's folder to go on from the one before." }, // biome-ignore format: one thought
    { cause },
  );
