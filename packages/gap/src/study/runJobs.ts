import { type ChildProcess, fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { EtalonError } from "@etalon/errors";
import type { OnProgress, Progress } from "../Progress.ts";
import { type JobSeconds, runJob } from "./runJob.ts";
import type { StudyConfig } from "./StudyConfig.ts";
import type { StudyJob } from "./studyJobs.ts";
import type { FromWorker, ToWorker } from "./workerMessages.ts";

/** How jobs are run. */
export interface RunJobsOptions {
  config: StudyConfig;
  jobs: readonly StudyJob[];
  /** The study's folder; each job's is jobs/NAME within. */
  out: string;
  /** Worker processes; 0 runs the jobs here, one after another. */
  workers: number;
  /** The worker's module. */
  module: URL;
  signal?: AbortSignal;
  /** Hears of all jobs together. */
  onProgress?: OnProgress;
}

/** The folder of a job. */
export const jobFolder = (out: string, { name }: StudyJob): string => join(out, "jobs", name);

/**
 * Runs jobs, several at a time, each worker a process with an engine of its own that has its share of the cores (ETALON_NUM_THREADS, where it is set, is
 * each worker's number of threads). What a job gives does not depend on where it runs.
 * The first job that fails stops the others, which save their state. @throws EtalonError that job's; ABORTED: `signal`
 */
export async function runJobs(options: RunJobsOptions): Promise<Map<string, JobSeconds>> {
  const { config, jobs, out, workers, signal, onProgress } = options;
  const seconds = new Map<string, JobSeconds>();
  const stop = new AbortController();
  const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const waiting = [...jobs];
  const heard = adder(jobs, onProgress);
  const lane = async (run: (job: StudyJob) => Promise<JobSeconds>) => {
    for (let job = waiting.shift(); job; job = waiting.shift()) {
      if (either.aborted) throw aborted();
      seconds.set(job.name, await run(job));
    }
  };
  if (workers === 0) {
    await lane((job) => runJob({ config, job, folder: jobFolder(out, job), signal: either, onProgress: heard }));
    return seconds;
  }
  const count = Math.min(workers, jobs.length);
  const threads = Math.max(1, Math.floor(availableParallelism() / count));
  const lanes = Array.from({ length: count }, async () => {
    const worker = await startWorker(options.module, threads);
    try {
      await lane((job) => onWorker(worker, { kind: "job", config, job, folder: jobFolder(out, job) }, either, heard));
    } catch (error) {
      stop.abort();
      throw error;
    } finally {
      worker.removeAllListeners("message").kill("SIGKILL"); // idle by now: a job that ran has answered
    }
  });
  const failures = (await Promise.allSettled(lanes)).flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
  const first = failures.find((error) => !(EtalonError.is(error) && error.code === "ABORTED")) ?? failures[0];
  if (first !== undefined) throw first;
  return seconds;
}

/** Sends a worker a job, and waits for its end. */
function onWorker(
  worker: ChildProcess,
  job: ToWorker,
  signal: AbortSignal,
  onProgress: OnProgress,
): Promise<JobSeconds> {
  return new Promise((settle, reject) => {
    const abort = () => worker.send({ kind: "abort" } satisfies ToWorker);
    const exited = (code: number | null, by: string | null) =>
      finish(() =>
        reject(
          new EtalonError(
            "IO",
            { argument: "worker" },
            { message: `A worker process of the study ended with ${by ?? code}; resume goes on.` },
          ),
        ),
      );
    const heard = (message: FromWorker) => {
      if (message.kind === "progress") onProgress(message.progress);
      if (message.kind === "done") finish(() => settle(message.seconds));
      if (message.kind === "error") finish(() => reject(asError(message)));
    };
    const finish = (then: () => void) => {
      signal.removeEventListener("abort", abort);
      worker.off("message", heard).off("exit", exited);
      then();
    };
    worker.on("message", heard).on("exit", exited);
    signal.addEventListener("abort", abort);
    worker.send(job);
    if (signal.aborted) abort();
  });
}

function startWorker(module: URL, threads: number): Promise<ChildProcess> {
  return new Promise((settle, reject) => {
    const env = { ETALON_NUM_THREADS: String(threads), ...process.env };
    const worker = fork(module, { env, stdio: ["ignore", "ignore", "inherit", "ipc"] });
    worker.once("error", reject);
    worker.once("exit", (code) =>
      reject(
        new EtalonError(
          "IO",
          { argument: "worker" },
          { message: `A worker process did not start: it ended with ${code}.` },
        ),
      ),
    );
    worker.once("message", () => {
      worker
        .removeAllListeners("exit")
        .removeAllListeners("error")
        .on("error", () => {});
      settle(worker);
    });
  });
}

function asError({ code, detail, message, stack }: FromWorker & { kind: "error" }): Error {
  const error = code ? new EtalonError(code, detail, { message }) : new Error(message);
  if (stack) error.stack = stack;
  return error;
}

const aborted = () =>
  new EtalonError("ABORTED", { argument: "signal" }, { message: "The study was stopped; what is done is saved." });

/** Adds up the progress of jobs that run at once. */
function adder(jobs: readonly StudyJob[], onProgress: OnProgress | undefined): OnProgress {
  const known = new Map<string, Progress>();
  return (progress) => {
    known.set(progress.stage, progress);
    const sum = (of: "done" | "total") => [...known.values()].reduce((all, job) => all + job[of], 0);
    const unknown = (jobs.length - known.size) * (sum("total") / known.size); // as large as those begun
    onProgress?.({
      stage: "study",
      done: Math.round(sum("done")),
      total: Math.round(sum("total") + unknown),
      note: `${progress.stage}: ${progress.note ?? ""}`,
    });
  };
}
