import { existsSync } from "node:fs";
import { join } from "node:path";
import { EtalonError } from "@etalon/errors";
import { appendLines, type Metrics, nominalEta, type OpenTrainer } from "@etalon/trainers";
import writeFileAtomic from "write-file-atomic";
import type { OnProgress } from "../Progress.ts";
import { readLines } from "../report/readLines.ts";
import { type GapMeasurement, measureGap } from "./measureGap.ts";

/** A line of a run's gap.jsonl: the gap after so many epochs. */
export interface EpochGap extends GapMeasurement {
  epoch: number;
}

/** What a measured training yields: an update's metrics, or a measurement. */
export type TrainingEvent = { kind: "metrics"; metrics: Metrics } | { kind: "gap"; gap: EpochGap };

/** What a measured training is told from outside. */
export interface MeasuredTrainingOptions {
  signal?: AbortSignal;
  onProgress?: OnProgress;
}

/** Added to a run's seed, so that no picture that is measured shares its noise with one that was trained on. */
const apart = 2n ** 32n;

/**
 * Trains a run to its end and measures its reward gap before, every `measure.every` epochs, and after: `measure.samples` pairs at `measure.steps` steps, always the same
 * prompts and noise, by the training sampler's rule, η, guidance, start and shift, and by the averaged weights where the run has them. Each measurement is a line of the run's gap.jsonl. Resumed, a run measures what it has not, and
 * writes the same lines as one that was never stopped.
 * @param trainer  an opened run; it stays the caller's to close    @throws EtalonError of training and measuring; ABORTED: `signal`, with all that was finished saved
 */
export async function* measuredTraining(
  trainer: OpenTrainer,
  options: MeasuredTrainingOptions = {},
): AsyncGenerator<TrainingEvent> {
  const { every } = trainer.config.measure;
  const { epochs } = trainer.config.train;
  const known = await openLines(trainer);
  const due = (epoch: number) => (epoch % every === 0 || epoch === epochs) && !known.has(epoch);
  async function* measured(epoch: number): AsyncGenerator<TrainingEvent> {
    if (!due(epoch)) return;
    const gap = await measure(trainer, epoch, options);
    known.add(epoch);
    yield { kind: "gap", gap };
  }
  yield* measured(trainer.epoch);
  for await (const metrics of trainer) {
    yield { kind: "metrics", metrics };
    yield* measured(metrics.epoch); // an epoch's lines come when all its updates are done: the first finds the model as the last does
  }
}

async function measure(
  trainer: OpenTrainer,
  epoch: number,
  { signal, onProgress }: MeasuredTrainingOptions,
): Promise<EpochGap> {
  const { pipeline, reward, prompts, config } = trainer;
  const { rule, guidance, start, shift, batch } = config.sampler;
  const { steps, samples } = config.measure;
  const eta = nominalEta(config.sampler.eta, epoch, config.sampler.steps);
  const seed = BigInt(config.seed) + apart;
  try {
    const told: OnProgress = ({ stage, done, total }) =>
      onProgress?.({ stage: "train", done: epoch, total: config.train.epochs, note: `${stage} ${done}/${total}` });
    const options = { pipeline, reward, prompts, eta, rule, guidance, start, shift, batch, steps, seed, signal };
    const gap = {
      epoch,
      ...(await trainer.averaged(() => measureGap({ ...options, n: samples, onProgress: told }))).line,
    };
    if (trainer.runDir !== undefined) appendLines(gapFile(trainer.runDir), [gap]);
    const { sde, ode, gap: difference } = gap;
    const step = epoch * config.train.innerEpochs * config.train.updatesPerEpoch;
    trainer.events?.scalars(step, { measured: { sde: { ...sde }, ode: { ...ode }, gap: { ...difference } } });
    return gap;
  } catch (error) {
    const isStopped = signal?.aborted && EtalonError.is(error) && error.code === "ABORTED";
    const isReward = EtalonError.is(error) && error.code === "BAD_REWARD";
    if ((isStopped || isReward) && trainer.runDir !== undefined) await trainer.save();
    if (!isStopped) throw error;
    throw new EtalonError("ABORTED", { argument: "signal" }, { message: "The run was stopped.", cause: error });
  }
}

const gapFile = (run: string) => join(run, "gap.jsonl");

/** The epochs that a run's gap.jsonl has. Lines past its checkpoint, and one that a kill cut short, are taken out: they are measured again, to the same values. */
async function openLines({ runDir, epoch }: OpenTrainer): Promise<Set<number>> {
  if (runDir === undefined || !existsSync(gapFile(runDir))) return new Set();
  const lines = readLines<EpochGap>(gapFile(runDir)).filter((line) => line.epoch <= epoch);
  await writeFileAtomic(gapFile(runDir), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return new Set(lines.map((line) => line.epoch));
}
