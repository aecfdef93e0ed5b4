import { join } from "node:path";
import { engine } from "@etalon/engine";
import { EtalonError } from "@etalon/errors";
import { loadPipeline, loadPrompts, type Pipeline } from "@etalon/models";
import { loadReward } from "@etalon/rewards";
import { openRun } from "@etalon/trainers";
import type { OnProgress } from "../Progress.ts";
import { jobTrainConfig } from "./jobTrainConfig.ts";
import { hasPass, runPass } from "./runPass.ts";
import type { StudyConfig } from "./StudyConfig.ts";
import type { Pass, StudyJob } from "./studyJobs.ts";

/** What a job needs; all but the signal and the ear for progress goes over to a worker as JSON. */
export interface RunJobOptions {
  config: StudyConfig;
  job: StudyJob;
  /** The job's own folder. */
  folder: string;
  signal?: AbortSignal;
  /** `done` and `total` in model passes of one picture, so that jobs of any kind add up. */
  onProgress?: OnProgress;
}

/** What a job took, in seconds; less than the whole where it was resumed. */
export interface JobSeconds {
  train: number;
  measure: number;
}

/**
 * Runs a job: measures the model as it is, then trains it (resuming a run that was begun) and measures it at its epochs. What is done already is left alone: a job
 * that is killed goes on where it was, to the same bits. Measuring draws no random state of training's.
 * @throws EtalonError of training and measuring; ABORTED: `signal`, with all that was finished saved
 */
export async function runJob({ config, job, folder, signal, onProgress }: RunJobOptions): Promise<JobSeconds> {
  await engine(config.engine);
  const train = jobTrainConfig(config, job);
  const seconds: JobSeconds = { train: 0, measure: 0 };
  const work = jobWork(config, job);
  let done = 0;
  const advance = (by: number, note: string) => {
    done += by;
    onProgress?.({ stage: job.name, done, total: work.total, note });
  };
  const missing = (epoch: number) => job.passes.filter((pass) => pass.epoch === epoch && !hasPass(folder, pass.key));
  const ready = job.passes.filter((pass) => hasPass(folder, pass.key));
  advance(
    ready.reduce((sum, pass) => sum + work.pass(pass), 0),
    ready.length > 0 ? "resumed" : "begun",
  );
  const reward = await loadReward(job.reward);
  try {
    if (missing(0).length > 0) {
      const pipeline = await loadPipeline(config.model, { variant: train.variant ?? undefined });
      try {
        await measure(pipeline, 0);
      } finally {
        pipeline.dispose();
      }
    }
    if (job.epochs.some((epoch) => missing(epoch).length > 0)) await trainAndMeasure();
  } finally {
    reward.dispose?.();
  }
  return seconds;

  async function trainAndMeasure(): Promise<void> {
    const opened = performance.now();
    const measuredBefore = seconds.measure;
    const trainer = await openRun({ config: train, out: join(folder, "train"), resume: true, signal });
    try {
      if (trainer.epoch > 0) advance(trainer.epoch * work.epoch, "resumed");
      await trainer.averaged(() => measure(trainer.pipeline, trainer.epoch));
      let last = trainer.epoch;
      for await (const { epoch, reward: earned } of trainer) {
        advance((epoch - last) * work.epoch, `epoch ${epoch}/${train.train.epochs}, reward ${earned.mean.toFixed(3)}`);
        last = epoch;
        if (missing(epoch).length === 0) continue;
        await trainer.save();
        await trainer.averaged(() => measure(trainer.pipeline, epoch));
      }
    } finally {
      await trainer.close();
    }
    stopIfAborted(signal);
    seconds.train = (performance.now() - opened) / 1000 - (seconds.measure - measuredBefore);
  }

  async function measure(pipeline: Pipeline, epoch: number): Promise<void> {
    const begun = performance.now();
    for (const pass of missing(epoch)) {
      let before = 0;
      const heard = ({ done: now }: { done: number }) => {
        advance((now - before) * pass.steps, `epoch ${epoch}, ${pass.split}, ${pass.steps} steps`);
        before = now;
      };
      const prompts = loadPrompts(config.prompts[listOf(pass)]);
      await runPass({ folder, pass, measure: config.measure, prompts, pipeline, reward, signal, onProgress: heard });
    }
    seconds.measure += (performance.now() - begun) / 1000;
  }
}

const listOf = ({ split, prompts }: Pass): keyof StudyConfig["prompts"] =>
  `${split === "in-domain" ? "inDomain" : "heldOut"}${prompts === "rich" ? "Rich" : ""}`;

/** A job's work in forward passes of one picture; a training step of one counts as 3.5 (measured on wasm). */
function jobWork(config: StudyConfig, job: StudyJob) {
  const { sampler, train } = jobTrainConfig(config, job);
  const trained = train.trainedSteps ?? sampler.window?.size ?? sampler.steps;
  const epoch = train.promptsPerEpoch * train.groupSize * (sampler.steps + 3.5 * trained * train.innerEpochs);
  const pass = ({ steps }: Pass) => steps * config.measure.samples;
  return { epoch, pass, total: epoch * train.epochs + job.passes.reduce((sum, p) => sum + pass(p), 0) };
}

function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new EtalonError(
      "ABORTED",
      { argument: "signal" },
      { message: "The study was stopped; what is done is saved." },
    );
}
