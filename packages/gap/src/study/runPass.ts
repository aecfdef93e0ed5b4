import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { EtalonError } from "@etalon/errors";
import { gridPng, type Pipeline } from "@etalon/models";
import type { Reward } from "@etalon/rewards";
import writeFileAtomic from "write-file-atomic";
import { sampleRewards } from "../measure/sampleRewards.ts";
import type { OnProgress } from "../Progress.ts";
import { passPlan } from "./passPlan.ts";
import type { StudyConfig } from "./StudyConfig.ts";
import type { Pass } from "./studyJobs.ts";

/** Where a pass keeps its rewards. */
const passFile = (folder: string, key: string): string => join(folder, "passes", `${key}.json`);

/** Whether a pass was run to its end. */
export const hasPass = (folder: string, key: string): boolean => existsSync(passFile(folder, key));

/** The rewards of a pass that was run. @throws EtalonError BAD_FILE */
export function readPass(folder: string, key: string): number[] {
  const file = passFile(folder, key);
  const rewards: unknown = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
  if (Array.isArray(rewards) && rewards.every(Number.isFinite)) return rewards;
  throw new EtalonError("BAD_FILE", { argument: "pass", value: file, allowed: "a list of finite rewards" });
}

/** What a pass needs. */
export interface RunPassOptions {
  /** The job's. */
  folder: string;
  pass: Pass;
  measure: StudyConfig["measure"];
  prompts: readonly string[];
  pipeline: Pipeline;
  reward: Reward;
  signal?: AbortSignal;
  onProgress?: OnProgress;
}

/** Runs a pass and writes its rewards, atomically and last, so that a file that stands is whole; its pictures before, as pictures/KEY.png. */
export async function runPass({ folder, pass, measure, pipeline, ...rest }: RunPassOptions): Promise<void> {
  const { samples: n, guidance, seed } = measure;
  const { key } = pass;
  const steps_ = passPlan(pipeline.path, pass, measure);
  const keep = pass.pictures ? measure.pictures : 0;
  const { rewards, pictures } = await sampleRewards({ ...rest, pipeline, plan: steps_, n, guidance, seed, keep });
  if (pass.pictures) {
    mkdirSync(join(folder, "pictures"), { recursive: true });
    const png = await gridPng(pictures, { columns: pictures.count, scale: 2, gap: 1 });
    await writeFileAtomic(join(folder, "pictures", `${key}.png`), png);
  }
  mkdirSync(join(folder, "passes"), { recursive: true });
  await writeFileAtomic(passFile(folder, key), JSON.stringify(Array.from(rewards)));
}
