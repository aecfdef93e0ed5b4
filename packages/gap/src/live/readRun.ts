import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type BestCheckpoint, lockHolder, type Metrics, type SampleLine } from "@etalon/trainers";
import type { EpochGap } from "../measure/measuredTraining.ts";
import { readLines } from "../report/readLines.ts";
import type { LiveRun } from "./LiveRun.ts";

interface Config {
  reward?: unknown;
  sampler?: { eta?: unknown };
  train?: { epochs?: number; promptsPerEpoch?: number; groupSize?: number };
}

/** Reads runs as they stand now; a file that has not changed is not read again. */
export class RunReader {
  readonly #known = new Map<string, { stamp: string; value: unknown }>();

  /** @throws EtalonError BAD_FILE, SyntaxError: a file of the run that is no JSON */
  read(name: string, dir: string): LiveRun {
    const config = this.#take(join(dir, "config.json"), json<Config>, {});
    const metrics = this.#take(join(dir, "metrics.jsonl"), readLines<Metrics>, []);
    const { epochs = 0, promptsPerEpoch = 1, groupSize = 1 } = config.train ?? {};
    const epoch = metrics.at(-1)?.epoch ?? 0;
    const isRunning = lockHolder(dir) !== undefined;
    const pace = paceOf(metrics);
    return {
      name,
      dir,
      reward: typeof config.reward === "string" ? config.reward : "a mix of rewards",
      eta: typeof config.sampler?.eta === "number" ? `${config.sampler.eta}` : "a schedule",
      epochs,
      images: promptsPerEpoch * groupSize,
      metrics,
      gaps: this.#take(join(dir, "gap.jsonl"), readLines<EpochGap>, []),
      samples: this.#take(join(dir, "samples.jsonl"), readLines<SampleLine>, []),
      best: this.#take(join(dir, "best.json"), json<BestCheckpoint | undefined>, undefined),
      epoch,
      isRunning,
      pace,
      left: isRunning && pace !== undefined ? pace * Math.max(0, epochs - epoch) : undefined,
    };
  }

  #take<T>(file: string, read: (file: string) => T, none: T): T {
    const stat = existsSync(file) ? statSync(file) : undefined;
    if (!stat) return none;
    const stamp = `${stat.mtimeMs} ${stat.size} ${stat.ino}`;
    const known = this.#known.get(file);
    if (known?.stamp === stamp) return known.value as T;
    const value = read(file);
    this.#known.set(file, { stamp, value });
    return value;
  }
}

const json = <T>(file: string): T => JSON.parse(readFileSync(file, "utf8")) as T;

/** Seconds of an epoch, the mean of the last ten: rollout and reward once, and each of its updates. */
function paceOf(metrics: readonly Metrics[]): number | undefined {
  const epochs = new Map<number, number>();
  for (const { epoch, seconds } of metrics.slice(-200)) {
    const before = epochs.get(epoch);
    epochs.set(epoch, before === undefined ? seconds.rollout + seconds.reward + seconds.update : before + seconds.update); // biome-ignore format: one thought
  }
  const last = [...epochs.values()].slice(-10);
  return last.length === 0 ? undefined : last.reduce((a, b) => a + b) / last.length;
}
