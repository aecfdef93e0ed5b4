import { fork } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleWorker } from "../../test/bundleWorker.ts";
import { plusMinus, signed } from "../report/numbers.ts";
import { parseStudyConfig } from "./parseStudyConfig.ts";
import { printStudyTable } from "./printStudyTable.ts";
import { runJob } from "./runJob.ts";
import { jobFolder, runJobs } from "./runJobs.ts";
import { readPass } from "./runPass.ts";
import { runStudy } from "./runStudy.ts";
import type { Study } from "./Study.ts";
import type { StudyConfigInput } from "./StudyConfig.ts";
import { type StudyJob, studyJobs } from "./studyJobs.ts";
import type { ToWorker } from "./workerMessages.ts";

const folder = mkdtempSync(join(tmpdir(), "etalon-study-"));
const prompts = join(folder, "prompts.txt");
writeFileSync(prompts, "red heart\ngreen apple\n");

/** The smallest study that has everything: two jobs, two epochs, both rules, both splits. */
const config: StudyConfigInput = {
  engine: "wasm",
  prompts: { inDomain: prompts, heldOut: prompts, inDomainRich: prompts, heldOutRich: prompts },
  trainings: [
    {
      reward: "jpeg-incompressibility",
      etas: [0.7, 1.2],
      epochs: [1, 2],
      train: {
        sampler: { steps: 2 },
        train: { promptsPerEpoch: 2, groupSize: 2, lora: { rank: 1, alpha: 1 }, trainedSteps: 1 },
      },
    },
  ],
  measure: { samples: 2, steps: 2, fewSteps: [1, 2], pictures: 2 },
};

const read = (out: string, file = "study.json") => readFileSync(join(out, file), "utf8");

const passes = (out: string, job: StudyJob) => job.passes.map(({ key }) => readPass(jobFolder(out, job), key));

describe("a study", () => {
  const inline = join(folder, "inline");
  let worker: URL;
  beforeAll(async () => {
    worker = await bundleWorker();
    await runStudy({ config, out: inline, workers: 0 });
  }, 240_000);
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
    rmSync(worker, { force: true });
  });

  test("gives what the contract names, sorted and without times", () => {
    const study = JSON.parse(read(inline));
    expect(Object.keys(study)).toEqual(["config", "runs", "claims"]);
    expect(study.runs).toHaveLength(2 * (6 + 4 + 3)); // jobs × (short at three epochs, rich at two, few-step ones)
    for (const run of study.runs) {
      expect(run).toMatchObject({ trainEta: expect.any(Number), seed: 0, evalEta: expect.any(Number) });
      expect(run.gap.mean).toBeCloseTo(run.sde.mean - run.ode.mean, 12);
    }
    expect(new Set(study.claims.map(({ id }: { id: string }) => id))).toEqual(
      new Set(["narrows", "best-eta", "few-steps", "rich-prompts"]),
    );
    expect(read(inline)).not.toMatch(/seconds|time/i);
    expect(printStudyTable(study)).toMatch(
      /Claims, with 95 % intervals\n {2}(supported|not supported|inconclusive) +-?\d/,
    );
  });

  test("its report tells every measurement and every claim in figures", () => {
    const { runs, claims }: Study = JSON.parse(read(inline));
    const page = read(inline, "report.html");
    for (const { ode, sde, gap } of runs)
      for (const summary of [ode, sde, gap]) expect(page).toContain(plusMinus(summary));
    for (const { estimate, low, high } of claims)
      for (const value of [estimate, low, high]) expect(page).toContain(signed(value));
  });

  test("has the same bytes when two worker processes share it", async () => {
    const out = join(folder, "workers");
    const notes: number[] = [];
    const told: string[] = [];
    const onProgress = ({ done, total, note = "" }: { done: number; total: number; note?: string }) => {
      notes.push(done / total);
      told.push(note);
    };
    await runStudy({ config, out, workers: 2, workerModule: worker, onProgress });
    expect(told.join("\n")).toContain("begun");
    expect(told.join("\n")).not.toContain("resumed");
    expect(read(out)).toBe(read(inline));
    expect(notes.at(-1)).toBe(1);
  }, 240_000);

  test("has the same bytes after a SIGKILL in the middle of a job, and a resume", async () => {
    const out = join(folder, "killed");
    const full = parseStudyConfig(config);
    const [job] = studyJobs(full);
    await new Promise<void>((settle) => {
      const child = fork(worker, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
      child.on("message", (message: { kind: string; progress?: { note?: string } }) => {
        if (message.kind === "ready")
          child.send({ kind: "job", config: full, job, folder: jobFolder(out, job) } satisfies ToWorker);
        if (message.progress?.note?.startsWith("epoch 1, held-out")) child.kill("SIGKILL");
      });
      child.on("exit", () => settle());
    });
    expect(existsSync(join(jobFolder(out, job), "passes"))).toBe(true);
    expect(existsSync(join(out, "study.json"))).toBe(false);
    await runJob({ config: full, job, folder: jobFolder(out, job) });
    expect(passes(out, job)).toEqual(passes(inline, job));
  }, 240_000);

  test("stops when asked to, keeps what is done, and goes on to the same bytes", async () => {
    const out = join(folder, "stopped");
    const stop = new AbortController();
    const onProgress = ({ note }: { note?: string }) => note?.includes("epoch 1/2") && stop.abort();
    const full = parseStudyConfig(config);
    const [job] = studyJobs(full);
    const run = runJobs({
      config: full,
      jobs: [job],
      out,
      workers: 1,
      module: worker,
      signal: stop.signal,
      onProgress,
    });
    await expect(run).rejects.toMatchObject({ code: "ABORTED" });
    await runJob({ config: full, job, folder: jobFolder(out, job) });
    expect(passes(out, job)).toEqual(passes(inline, job));
  }, 240_000);

  test("refuses a full folder, a file in its place, and a resume with another config", async () => {
    await expect(runStudy({ config, out: prompts, resume: true })).rejects.toThrow("allowed: a folder, not a file.");
    await expect(runStudy({ config, out: inline })).rejects.toThrow("allowed: a new folder. --resume goes on");
    const other = { ...config, measure: { ...config.measure, seed: 1 } };
    await expect(runStudy({ config: other, out: inline, resume: true })).rejects.toMatchObject({ code: "BAD_CONFIG" });
  });

  test("a reward that fails in a worker fails the study with its own error", async () => {
    const reward = join(folder, "bad.mjs");
    writeFileSync(reward, 'export default { name: "bad", score: () => new Float32Array([NaN, NaN]) };\n');
    const bad = { ...config, trainings: [{ ...config.trainings[0], reward }] };
    const run = runStudy({ config: bad, out: join(folder, "bad"), workers: 2, workerModule: worker });
    await expect(run).rejects.toMatchObject({ name: "EtalonError", code: "BAD_REWARD" });
    expect(existsSync(join(folder, "bad", "study.json"))).toBe(false);
  }, 120_000);

  test("its report is one file that loads nothing", () => {
    const page = read(inline, "report.html");
    expect(page).not.toMatch(/https?:|<script|<link|@import|url\((?!#)/i);
    expect(page.match(/<img[^>]*src="(?!data:image\/png;base64,)/)).toBeNull();
    expect(page.match(/<img /g)).toHaveLength(2 * 4); // jobs × (ODE, SDE) × (before, after)
    expect(page.match(/<svg /g)?.length).toBeGreaterThanOrEqual(5);
    const text = page.replaceAll(/data:image\/png;base64,[^"]*/g, ""); // a picture's bytes may spell anything
    expect(text).not.toMatch(/NaN|undefined|\[object/);
  });
});
