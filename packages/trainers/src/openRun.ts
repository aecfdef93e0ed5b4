import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EtalonError } from "@etalon/errors";
import writeFileAtomic from "write-file-atomic";
import type { TrainConfig } from "./config/TrainConfig.ts";
import { type Forecast, forecastEpoch } from "./forecastEpoch.ts";
import { type LoadedParts, loadParts, type Parts } from "./loadParts.ts";
import { Rounds } from "./parallel/Rounds.ts";
import { sameEverywhere } from "./parallel/sameEverywhere.ts";
import { shareCheckpoint } from "./parallel/shareCheckpoint.ts";
import { soloCommunicator } from "./parallel/soloCommunicator.ts";
import { standingDigest } from "./parallel/standingDigest.ts";
import { agree, allOrNone, onRoot } from "./parallel/together.ts";
import { workOfRanks } from "./parallel/workOfRanks.ts";
import { checkPlans } from "./parts/checkPlans.ts";
import { appendLines } from "./run/appendLines.ts";
import { blownUp } from "./run/blownUp.ts";
import { latestCheckpoint, mendBest, type OdeReward } from "./run/checkpoint.ts";
import { io } from "./run/io.ts";
import { Learner } from "./run/Learner.ts";
import { openFolder, type RunFolder, refuseChange, refuseFull } from "./run/openFolder.ts";
import { promptDigest } from "./run/promptDigest.ts";
import { Samples } from "./run/Samples.ts";
import { type SavedCheckpoint, Saver } from "./run/Saver.ts";
import { truncateMetrics } from "./run/truncateMetrics.ts";
import { type SelfCheck, selfCheck } from "./selfCheck.ts";
import type { Stages } from "./stages.ts";
import type { Metrics, OpenTrainer, Progress } from "./Trainer.ts";
import { EventFile } from "./tensorboard/EventFile.ts";
import { aborted, trainEpoch, type Watch } from "./trainEpoch.ts";

/** What to train, where to keep it, and parts to use in place of those that the config names. */
export interface RunOptions extends Watch, Partial<Parts> {
  config: TrainConfig;
  /** The run folder. Without it nothing is written. */
  out?: string;
  /** Goes on with the run in `out`, from its newest checkpoint; to the same bits as if it had not stopped. Starts anew where there is none. */
  resume?: boolean;
  /** Functions in the place of the loop's own, each of its type. */
  stages?: Partial<Stages>;
  /** Hears of each checkpoint once it is on the disk. */
  onSaved?: (saved: SavedCheckpoint) => void;
}

/**
 * Opens a training run: loads its parts, checks them (`selfCheck`), makes or takes up its folder, and draws a new run's first sample grid. Where it fails no folder is left that it made, and one that was there is as it was. With a communicator every rank of it opens the run; the folder is
 * the first one's, and what one rank refuses, all do.
 * @throws EtalonError EXISTS, BUSY, BAD_CONFIG: the folder; NOT_FOUND, BAD_FILE, UNSUPPORTED: a part; SELF_CHECK; IO; PEER
 */
export async function openRun(options: RunOptions): Promise<OpenTrainer> {
  const { config, out, resume = false, onProgress, communicator = soloCommunicator } = options;
  const isFirst = communicator.rank === 0;
  if (out !== undefined) await onRoot(communicator, () => (resume ? refuseChange(out, config) : refuseFull(out))); // before anything is loaded
  const parts = await allOrNone(communicator, () => loadParts(config, options));
  let folder: RunFolder | undefined;
  let learner: Learner | undefined;
  try {
    const fresh = async () => {
      checkPlans(config, parts.pipeline.path, options.stages);
      onProgress?.({ stage: "self-check", done: 0, total: 1 });
      const checks = await selfCheck(config, parts.pipeline, parts.prompts, options.stages?.rollOut);
      onProgress?.({ stage: "self-check", done: 1, total: 1 });
      return checks;
    };
    const checks = await allOrNone(communicator, fresh);
    folder = await allOrNone(communicator, () => (out !== undefined && isFirst ? openFolder(out, config, resume) : undefined)); // biome-ignore format: one thought
    const latest = await shareCheckpoint(communicator, folder && latestCheckpoint(checkpoints(folder)));
    const begun = await allOrNone(communicator, () => {
      learner = new Learner(config, parts.pipeline, latest.folder);
      workOfRanks(config, learner.variables, communicator.size); // refuses ranks for which there is no work
      if (folder) refuseOtherPrompts(learner, parts);
      return learner;
    });
    latest.release();
    await sameEverywhere(communicator, "config, prompts or weights", standingDigest([config, parts.mixture ?? parts.prompts], begun.variables)); // biome-ignore format: one thought
    const opened = trainer(options, { parts, folder, learner: begun, checks, isResumed: latest.folder !== undefined });
    await allOrNone(communicator, opened.begin);
    return opened.run;
  } catch (error) {
    learner?.dispose();
    folder?.undo();
    parts.dispose();
    throw error;
  }
}

const checkpoints = (folder: RunFolder) => join(folder.path, "checkpoints");
const metricsFile = (folder: RunFolder) => join(folder.path, "metrics.jsonl");

/** @throws EtalonError BAD_CONFIG: the prompts are not those that the run began with */
function refuseOtherPrompts({ notes }: Learner, { prompts, mixture }: Parts): void {
  const digest = promptDigest(mixture ?? prompts);
  if (notes.data !== undefined && notes.data !== digest) throw new EtalonError("BAD_CONFIG", { argument: "prompts", value: `a list of ${prompts.length} with digest ${digest}`, allowed: `the list that the run began with (${notes.data})`, hint: "Its file has changed: put the old one back, or begin a new run." }); // biome-ignore format: one thought
}

/** A new event file; the first of a run has its config. @throws EtalonError IO */
function openEvents({ path }: RunFolder, config: TrainConfig, step: number): EventFile {
  const events = new EventFile(join(path, "tensorboard"), step);
  if (step === 0) events.text("config", `\`\`\`json\n${JSON.stringify(config, null, 2)}\n\`\`\``);
  return events;
}

function writeChecks(file: string, checks: SelfCheck & { forecast?: Forecast }): void {
  io(file, () => writeFileAtomic.sync(file, `${JSON.stringify(checks, null, 2)}\n`));
}

interface Open {
  parts: LoadedParts;
  folder: RunFolder | undefined;
  learner: Learner;
  checks: OpenTrainer["checks"];
  /** Whether the learner comes from a checkpoint. */
  isResumed: boolean;
}

function trainer(
  { config, out, signal, onProgress, onSaved, stages, communicator = soloCommunicator }: RunOptions,
  { parts, folder, learner, checks, isResumed }: Open,
): { run: OpenTrainer; begin: () => Promise<void> } {
  const { standing, notes } = learner;
  const rounds = new Rounds(communicator, signal);
  const data = promptDigest(parts.mixture ?? parts.prompts);
  const samples = folder && new Samples(folder.path, config, parts, { epoch: standing.epoch, ode: notes.ode });
  const saver = folder && new Saver(checkpoints(folder), { keep: config.checkpoint.keep, epoch: isResumed ? standing.epoch : -1, onSaved }); // biome-ignore format: one thought

  const events = folder && config.log.tensorboard ? openEvents(folder, config, standing.step) : undefined;

  /** Draws the sample grid of where the run stands, once. */
  const draw = async (root: string, drawn: Samples) => {
    const isNew = drawn.last?.epoch !== standing.epoch;
    const { file, ode } = await drawn.draw(standing.epoch);
    if (isNew) events?.image(standing.step, "samples", readFileSync(join(root, file)));
    if (isNew) events?.scalars(standing.step, { ode: { ...ode } });
    return ode;
  };

  /** Draws a new run's first grid, and brings what lies in the folder to where its checkpoint stands. @throws EtalonError BAD_REWARD, NOT_FINITE, BAD_FILE, IO */
  const begin = async () => {
    if (!folder || !samples) return;
    writeChecks(join(folder.path, "self-check.json"), checks); // first: a folder that has it and no update may be begun anew, and a grid takes its time
    if (standing.epoch === 0) await draw(folder.path, samples);
    truncateMetrics(metricsFile(folder), standing.step);
    mendBest(checkpoints(folder));
  };

  /** Begins a checkpoint of where the run stands; training may go on while it is brought to the disk. */
  const beginSave = async () => {
    if (!folder || !saver || !samples || saver.has(standing.epoch)) return;
    const ode = await averaged(() => draw(folder.path, samples));
    await saver.begin(learner, { data, ode });
  };

  const save = async () => {
    if (out !== undefined && communicator.rank > 0) return; // the first rank does
    if (!saver) throw new EtalonError("UNSUPPORTED", { argument: "save", value: undefined, allowed: "a run that was opened with a folder (out)" }); // biome-ignore format: one thought
    await beginSave().catch(async (error) => {
      await keep(error);
      throw error;
    });
    await saver.settle();
  };

  /** A reward that fails, as where its server is gone, costs nothing of the epochs that are done: they are saved, without a sample grid, which needs the reward. */
  const keep = async (error: unknown): Promise<void> => {
    const isReward = EtalonError.is(error) && error.code === "BAD_REWARD"; // it comes before an epoch's updates: the weights are those of the epoch before
    if (!isReward || !saver || standing.epoch === 0 || saver.has(standing.epoch)) return;
    try {
      await saver.begin(learner, { data });
      await saver.settle();
    } catch {} // the first error says more
  };

  /** The newest checkpoint, that on its way to the disk counted. */
  const newest = async () => {
    await saver?.settle();
    return folder && latestCheckpoint(checkpoints(folder));
  };

  const averaged = <T>(inner: () => Promise<T>): Promise<T> =>
    learner.averages && config.train.ema?.evaluate ? learner.averages.use(inner) : inner();

  /** Saves what is done, then tells that the run was stopped. */
  const stop = async () => {
    if (folder) await save();
    throw agree(aborted(signal));
  };

  /** What was told of the last epoch: it stays while the next goes on. */
  let told = "";

  /** Progress within an epoch, in epochs: a rollout counts for half of one, its updates for the other half. */
  const within = (epoch: number) => (inner: Progress) => {
    const share = 0.5 * (inner.done / inner.total) + (inner.stage === "update" ? 0.5 : 0);
    const note = [told, `${inner.stage} ${inner.done}/${inner.total}`].filter(Boolean).join(", ");
    onProgress?.({ stage: "train", done: epoch + share, total: config.train.epochs, note });
  };

  async function* iterate(): AsyncGenerator<Metrics, void, undefined> {
    try {
      yield* epochs();
    } catch (error) {
      await keep(error);
      rounds.giveUp(error);
      throw error;
    }
  }

  async function* epochs(): AsyncGenerator<Metrics, void, undefined> {
    const { every } = config.checkpoint;
    while (standing.epoch < config.train.epochs) {
      if (await rounds.shallStop()) await stop();
      onProgress?.({ stage: "train", done: standing.epoch, total: config.train.epochs, note: told || undefined });
      const lines = await trainEpoch(
        config,
        parts,
        learner,
        { signal, communicator, onProgress: within(standing.epoch) },
        stages,
      ).catch(async (error) => {
        if (EtalonError.is(error) && error.code === "ABORTED") return stop();
        throw error;
      });
      if (folder) appendLines(metricsFile(folder), lines);
      const broken = await blownUp(learner.variables, config.train.learningRate, newest);
      if (broken) throw agree(broken); // every rank has the same weights
      for (const { step, ...numbers } of lines) events?.scalars(step, numbers);
      const spoilt = standing.skipped >= config.train.maxSkipped && lines.some(({ gradNorm }) => gradNorm === null);
      const isLast = standing.epoch === config.train.epochs || spoilt;
      if (standing.epoch % every === 0 || isLast) await beginSave();
      if (isLast) await saver?.settle();
      if (spoilt) throw agree(tooManySkipped(standing.skipped));
      told = noteOf(lines[lines.length - 1], imagesOf(config), samples?.last?.ode);
      onProgress?.({ stage: "train", done: standing.epoch, total: config.train.epochs, note: told });
      yield* lines;
    }
    await rounds.finish();
  }

  const run: OpenTrainer = {
    config,
    runDir: folder?.path,
    pipeline: parts.pipeline,
    reward: parts.reward,
    prompts: parts.prompts,
    data: parts.data,
    checks,
    get epoch() {
      return standing.epoch;
    },
    async forecast() {
      const forecast = await forecastEpoch(config, parts, learner);
      if (folder) writeChecks(join(folder.path, "self-check.json"), { ...checks, forecast });
      return forecast;
    },
    [Symbol.asyncIterator]: iterate,
    averaged,
    events,
    save,
    async close() {
      try {
        await saver?.settle();
        await rounds.leave();
      } finally {
        learner.dispose();
        folder?.release();
        parts.dispose();
      }
    },
  };
  return { run, begin };
}

const tooManySkipped = (skipped: number) =>
  new EtalonError("NOT_FINITE", {
    argument: "train.maxSkipped",
    value: skipped,
    allowed: "fewer steps left out, since their gradient was not finite",
    hint: "The weights are as they were before them, and saved. Lower train.learningRate, or raise train.maxSkipped to go on.",
  });

const imagesOf = ({ train }: TrainConfig): number => train.promptsPerEpoch * train.groupSize;

/** What is told of an epoch: reward of its rollouts, ODE reward of the newest grid, the share clipped, and how long an epoch takes. */
function noteOf({ reward, clipFraction, seconds }: Metrics, images: number, ode: OdeReward | undefined): string {
  const parts = [
    `reward ${reward.mean.toPrecision(4)} ± ${(reward.std / Math.sqrt(images)).toPrecision(2)}`,
    ode ? `ODE ${ode.mean.toPrecision(4)} ± ${ode.sem.toPrecision(2)}` : "",
    `clipped ${(100 * clipFraction).toFixed(0)} %`,
    `${(seconds.rollout + seconds.reward + seconds.update).toPrecision(2)} s/it`,
  ];
  return parts.filter(Boolean).join(", ");
}
