import { join } from "node:path";
import { EtalonError } from "@etalon/errors";
import type { TrainConfig } from "./config/TrainConfig.ts";
import { loadParts, type Parts } from "./loadParts.ts";
import { appendLines } from "./run/appendLines.ts";
import { latestCheckpoint, writeCheckpoint } from "./run/checkpoint.ts";
import { Learner } from "./run/Learner.ts";
import { openFolder, type RunFolder, refuseFull } from "./run/openFolder.ts";
import { truncateMetrics } from "./run/truncateMetrics.ts";
import { writeSamples } from "./run/writeSamples.ts";
import { selfCheck } from "./selfCheck.ts";
import type { Stages } from "./stages.ts";
import type { Metrics, OpenTrainer, Progress } from "./Trainer.ts";
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
}

/**
 * Opens a training run: loads its parts, checks them (`selfCheck`), and makes or takes up its folder. Nothing is made where it refuses.
 * @throws EtalonError EXISTS, BUSY, BAD_CONFIG: the folder; NOT_FOUND, BAD_FILE, UNSUPPORTED: a part; SELF_CHECK; IO
 */
export async function openRun(options: RunOptions): Promise<OpenTrainer> {
  const { config, out, resume = false, onProgress } = options;
  if (out !== undefined && !resume) refuseFull(out);
  const parts = await loadParts(config, options);
  let folder: RunFolder | undefined;
  try {
    const fresh = async () => {
      onProgress?.({ stage: "self-check", done: 0, total: 1 });
      const checks = await selfCheck(config, parts.pipeline, parts.prompts);
      onProgress?.({ stage: "self-check", done: 1, total: 1 });
      return checks;
    };
    const checks = await fresh();
    folder = out === undefined ? undefined : openFolder(out, config, resume);
    const learner = new Learner(config, parts.pipeline, folder && latestCheckpoint(checkpoints(folder)));
    if (folder) truncateMetrics(metricsFile(folder), learner.standing.step);
    return trainer(options, { parts, folder, learner, checks });
  } catch (error) {
    folder?.release();
    parts.dispose();
    throw error;
  }
}

const checkpoints = (folder: RunFolder) => join(folder.path, "checkpoints");
const metricsFile = (folder: RunFolder) => join(folder.path, "metrics.jsonl");

interface Open {
  parts: Parts & { dispose(): void };
  folder: RunFolder | undefined;
  learner: Learner;
  checks: OpenTrainer["checks"];
}

function trainer(
  { config, signal, onProgress, stages }: RunOptions,
  { parts, folder, learner, checks }: Open,
): OpenTrainer {
  const { standing } = learner;
  let savedEpoch = standing.step > 0 ? standing.epoch : -1;

  const save = async () => {
    if (!folder) throw new EtalonError("UNSUPPORTED", { argument: "save", value: undefined, allowed: "a run that was opened with a folder (out)" }); // biome-ignore format: one thought
    if (savedEpoch === standing.epoch) return;
    await averaged(() => writeSamples(folder.path, standing.epoch, config, parts));
    writeCheckpoint(checkpoints(folder), standing.epoch, (place) => learner.write(place), config.checkpoint.keep);
    savedEpoch = standing.epoch;
  };

  const averaged = <T>(inner: () => Promise<T>): Promise<T> =>
    learner.averages && config.train.ema?.evaluate ? learner.averages.use(inner) : inner();

  /** Saves what is done, then tells that the run was stopped. */
  const stop = async (cause: AbortSignal) => {
    if (folder) await save();
    throw aborted(cause);
  };

  /** Progress within an epoch, in epochs: a rollout counts for half of one, its updates for the other half. */
  const within = (epoch: number) => (inner: Progress) => {
    const share = 0.5 * (inner.done / inner.total) + (inner.stage === "update" ? 0.5 : 0);
    const note = `${inner.stage} ${inner.done}/${inner.total}`;
    onProgress?.({ stage: "train", done: epoch + share, total: config.train.epochs, note });
  };

  async function* run(): AsyncGenerator<Metrics, void, undefined> {
    const { epochs } = config.train;
    const { every } = config.checkpoint;
    if (folder && standing.epoch === 0) await writeSamples(folder.path, 0, config, parts);
    while (standing.epoch < epochs) {
      if (signal?.aborted) await stop(signal);
      onProgress?.({ stage: "train", done: standing.epoch, total: epochs });
      const lines = await trainEpoch(
        config,
        parts,
        learner,
        { signal, onProgress: within(standing.epoch) },
        stages,
      ).catch(async (error) => {
        if (signal?.aborted && EtalonError.is(error) && error.code === "ABORTED") return stop(signal);
        throw error;
      });
      if (folder) appendLines(metricsFile(folder), lines);
      const spoilt = standing.skipped >= config.train.maxSkipped && lines.some(({ gradNorm }) => gradNorm === null);
      if (folder && (standing.epoch % every === 0 || standing.epoch === epochs || spoilt)) await save();
      if (spoilt) throw tooManySkipped(standing.skipped);
      onProgress?.({ stage: "train", done: standing.epoch, total: epochs, note: noteOf(lines[lines.length - 1]) });
      yield* lines;
    }
  }

  return {
    config,
    runDir: folder?.path,
    pipeline: parts.pipeline,
    reward: parts.reward,
    prompts: parts.prompts,
    checks,
    get epoch() {
      return standing.epoch;
    },
    [Symbol.asyncIterator]: run,
    averaged,
    save,
    async close() {
      learner.dispose();
      folder?.release();
      parts.dispose();
    },
  };
}

const tooManySkipped = (skipped: number) =>
  new EtalonError("NOT_FINITE", {
    argument: "train.maxSkipped",
    value: skipped,
    allowed: "fewer steps left out, since their gradient was not finite",
    hint: "The weights are as they were before them, and saved. Lower train.learningRate, or raise train.maxSkipped to go on.",
  });

const noteOf = ({ reward, clipFraction }: Metrics) =>
  `reward ${reward.mean.toPrecision(4)} ± ${reward.std.toPrecision(2)}, clipped ${(100 * clipFraction).toFixed(0)} %`;
