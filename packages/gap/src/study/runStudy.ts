import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { engine } from "@etalon/engine";
import { check, EtalonError } from "@etalon/errors";
import { loadPrompts } from "@etalon/models";
import writeFileAtomic from "write-file-atomic";
import type { OnProgress } from "../Progress.ts";
import { renderReport } from "../report/renderReport.ts";
import { summarise } from "../statistics/summarise.ts";
import type { Cell } from "./Cell.ts";
import { claims } from "./claims.ts";
import { parseStudyConfig } from "./parseStudyConfig.ts";
import { jobFolder, runJobs } from "./runJobs.ts";
import { readPass } from "./runPass.ts";
import type { Study } from "./Study.ts";
import type { StudyConfig, StudyConfigInput } from "./StudyConfig.ts";
import { studyJobs } from "./studyJobs.ts";

/** A study, and where it goes. */
export interface RunStudyOptions {
  config: StudyConfigInput;
  /** Folder of the study; must not exist, or be empty, unless resumed. */
  out: string;
  /** Goes on with a study of the same config, to the same bits as one that was never stopped. A folder that is not there yet is begun. */
  resume?: boolean;
  /** Worker processes, each with an engine of its own; 0 runs all in this process. Default: one a core, but no more than there are trainings. */
  workers?: number;
  /** The worker's module, for builds that lay it elsewhere. Default: worker.js beside the built package; run from source there is none, and all runs here. */
  workerModule?: URL;
  /** Stops the study: training saves a checkpoint, and what was measured is kept. */
  signal?: AbortSignal;
  onProgress?: OnProgress;
}

/**
 * Trains at several noise levels, measures the reward gap before, during and after, in and out of domain, with short and rich prompts and few steps, and puts the
 * paper's claims to the test. Writes report.html, study.json, which repeats bit by bit on one machine and engine for any number of workers, and timings.json, which does not.
 * @throws EtalonError BAD_CONFIG: the config, or another than the folder's; EXISTS: a folder with something in it, without `resume`; ABORTED: `signal`
 */
export async function runStudy({
  config,
  out,
  resume = false,
  signal,
  onProgress,
  ...rest
}: RunStudyOptions): Promise<Study> {
  const full = parseStudyConfig(config);
  const jobs = studyJobs(full);
  const module = rest.workerModule ?? builtWorker();
  const workers = check.range("workers", rest.workers ?? Math.min(availableParallelism(), jobs.length), {
    min: 0,
    integer: true,
  });
  await openFolder(out, full, resume);
  const begun = performance.now();
  const seconds = await runJobs({
    config: full,
    jobs,
    out,
    workers: module ? workers : 0,
    module: module ?? new URL(import.meta.url),
    signal,
    onProgress,
  });
  const counts = {
    "in-domain": loadPrompts(full.prompts.inDomain).length,
    "held-out": loadPrompts(full.prompts.heldOut).length,
  };
  const cells = jobs.flatMap((job) =>
    job.cells.map(({ key, sde, ode }): Cell => {
      const folder = jobFolder(out, job);
      return { ...key, sde: readPass(folder, sde), ode: readPass(folder, ode), promptCount: counts[key.split] };
    }),
  );
  const study: Study = {
    config: full,
    runs: cells.map((cell) => toRun(cell, cells)),
    claims: claims(cells, full.measure.steps),
  };
  await writeJson(join(out, "study.json"), study);
  const { name, version, threads } = await engine(full.engine);
  const total = (performance.now() - begun) / 1000;
  await writeJson(join(out, "timings.json"), {
    engine: { name, version, threads },
    workers: module ? workers : 0,
    seconds: total,
    jobs: Object.fromEntries(seconds),
  });
  await renderReport(out);
  return study;
}

function toRun({ sde, ode, promptCount: _, ...key }: Cell, cells: readonly Cell[]): Study["runs"][number] {
  const alike = ["reward", "trainEta", "seed", "rule", "steps", "split", "prompts"] as const;
  const before = cells.find((cell) => cell.epoch === 0 && alike.every((name) => cell[name] === key[name]));
  const less = (rewards: readonly number[], others: readonly number[]) =>
    summarise(rewards.map((r, i) => r - others[i]));
  const measured = { n: sde.length, sde: summarise(sde), ode: summarise(ode), gap: less(sde, ode) };
  return { ...key, ...measured, ...(before && key.epoch > 0 ? { odeRise: less(ode, before.ode) } : {}) };
}

/** The worker beside the built package; undefined where this file runs from source, which Node cannot load by itself. */
const builtWorker = (): URL | undefined =>
  import.meta.url.endsWith(".ts") ? undefined : new URL("./worker.js", import.meta.url);

/** Makes the folder with its config.json, or checks that it is one of the same study. */
async function openFolder(out: string, config: StudyConfig, resume: boolean): Promise<void> {
  check.text("out", out);
  const file = join(out, "config.json");
  if (existsSync(out) && !statSync(out).isDirectory())
    throw new EtalonError("EXISTS", { argument: "out", value: out, allowed: "a folder, not a file" });
  const begun = existsSync(out) && readdirSync(out).length > 0;
  if (begun && !resume)
    throw new EtalonError("EXISTS", {
      argument: "out",
      value: out,
      allowed: "a new folder",
      hint: "--resume goes on with a study that was stopped.",
    });
  if (begun && existsSync(file)) {
    if (isDeepStrictEqual(JSON.parse(readFileSync(file, "utf8")), JSON.parse(JSON.stringify(config)))) return;
    throw new EtalonError("BAD_CONFIG", {
      argument: "config",
      value: file,
      allowed: "the config that the study in this folder began with",
    });
  }
  mkdirSync(out, { recursive: true });
  await writeJson(file, config);
}

const writeJson = (file: string, value: unknown) => writeFileAtomic(file, `${JSON.stringify(value, null, 2)}\n`);
