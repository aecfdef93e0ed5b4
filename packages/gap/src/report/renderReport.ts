import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { EtalonError } from "@etalon/errors";
import writeFileAtomic from "write-file-atomic";
import type { Study } from "../study/Study.ts";
import { runPage } from "./runPage.ts";
import { studyPage } from "./studyPage.ts";

/**
 * Writes report.html into the folder of a study (study.json) or of a training run (metrics.jsonl): one file that fetches nothing and has no script.
 * @returns the file's path    @throws EtalonError NOT_FOUND: neither is in the folder; BAD_FILE: a file that is cut; IO
 */
export async function renderReport(dir: string): Promise<string> {
  const study = join(dir, "study.json");
  const text = existsSync(study) ? await studyPage(readStudy(study), dir) : await ofRun(dir);
  const file = join(dir, "report.html");
  try {
    await writeFileAtomic(file, text);
  } catch (cause) {
    const hint = `${cause instanceof Error ? cause.message : cause}.`;
    throw new EtalonError("IO", { argument: "file", value: file, allowed: "a place that can be written", hint }, { cause }); // biome-ignore format: one thought
  }
  return file;
}

async function ofRun(dir: string): Promise<string> {
  if (existsSync(join(dir, "metrics.jsonl")) && existsSync(join(dir, "config.json"))) return runPage(dir);
  const allowed = "the folder of a study (with study.json) or of a run (with metrics.jsonl)";
  throw new EtalonError("NOT_FOUND", { argument: "dir", value: dir, allowed });
}

function readStudy(file: string): Study {
  try {
    const study = JSON.parse(readFileSync(file, "utf8")) as Study;
    if (Array.isArray(study.runs) && Array.isArray(study.claims)) return study;
  } catch {
    // told below
  }
  throw new EtalonError("BAD_FILE", { argument: "study.json", value: file, allowed: "a study that runStudy wrote" });
}
