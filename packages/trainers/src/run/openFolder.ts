import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { EtalonError } from "@etalon/errors";
import writeFileAtomic from "write-file-atomic";
import { parseTrainConfig } from "../config/parseTrainConfig.ts";
import type { TrainConfig } from "../config/TrainConfig.ts";
import { latestCheckpoint } from "./checkpoint.ts";
import { io } from "./io.ts";
import { lockFile, lockRun } from "./lockRun.ts";

/** A run's folder, held by this process until `release`. */
export interface RunFolder {
  path: string;
  release(): void;
  /** Releases it as it was found, for a start that failed: what was made since goes, the folder too where it is new, and the files that a start writes anew are as they were. */
  undo(): void;
}

/** What a start writes over. */
const startFiles = ["config.json", "self-check.json", "samples.jsonl"];

/** All that a run has in its folder before its first update and its first checkpoint. */
const untrained = /^(config\.json|self-check\.json|samples\.jsonl|metrics\.jsonl|gap\.jsonl|report\.html|samples|samples\/000000\.png|checkpoints|tensorboard|tensorboard\/events\.out\.tfevents\..*)$/; // biome-ignore format: one thought

/**
 * Makes a run folder with its config.json, or takes an old one up again. What a run left that ended before its first update (out of memory, say) is in nobody's way: it is begun anew, by another config too. Where it refuses, all is as it was.
 * @throws EtalonError EXISTS: it holds something already, and `resume` is off; BAD_CONFIG: the config is not the run's own, but for what may change; BUSY; IO
 */
export function openFolder(path: string, config: TrainConfig, resume: boolean): RunFolder {
  if (!resume) refuseFull(path);
  const made = io(path, () => makeFolder(path));
  let undo = () => takeAway(made);
  try {
    const release = lockRun(path);
    const bare = io(path, () => isUntrained(path));
    const putBack = io(path, () => remember(path, bare));
    undo = () => {
      putBack();
      release();
      takeAway(made);
    };
    const file = join(path, "config.json");
    if (!resume)
      refuseFull(path); // once more: what was untrained may have gone on since
    else if (!bare) refuseChange(path, config);
    if (bare) io(path, () => clear(path));
    io(file, () => writeFileAtomic.sync(file, `${JSON.stringify(config, null, 2)}\n`));
    return { path, release, undo };
  } catch (error) {
    undo();
    throw error;
  }
}

/**
 * Makes a folder with those above it. The plain call first: it tells a read-only file system for what it is.
 * @returns the folders that were not there, each before the one that it lies in
 */
function makeFolder(path: string): string[] {
  try {
    mkdirSync(path);
    return [path];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return [];
    if (code !== "ENOENT") throw error;
  }
  const first = mkdirSync(path, { recursive: true });
  const made: string[] = [];
  for (let at = resolve(path); first !== undefined && at.startsWith(resolve(first)); at = dirname(at)) made.push(at);
  return made;
}

/** Removes folders while they are empty: another run may have begun beside this one. */
function takeAway(folders: readonly string[]): void {
  for (const folder of folders) if (!quietly(() => rmdirSync(folder))) return;
}

/**
 * @param whole  whether all files are kept in mind, not only those that a start writes over: they are few where nothing was trained
 * @returns what takes all that came into a folder since out of it, and writes those files as they are now
 */
function remember(path: string, whole: boolean): () => void {
  const found = new Set(entries(path));
  const kept = [...found].filter((name) => whole || startFiles.includes(name));
  const folders = kept.filter((name) => statSync(join(path, name)).isDirectory());
  const texts = kept.filter((name) => !folders.includes(name)).map((name) => [join(path, name), readFileSync(join(path, name))] as const); // biome-ignore format: one thought
  return () => {
    quietly(() => {
      for (const name of entries(path)) if (!found.has(name)) rmSync(join(path, name), { recursive: true, force: true }); // biome-ignore format: one thought
    });
    for (const name of folders) quietly(() => mkdirSync(join(path, name), { recursive: true }));
    for (const [file, text] of texts)
      quietly(() => (existsSync(file) && readFileSync(file).equals(text)) || writeFileAtomic.sync(file, text));
  };
}

/** What lies in a folder and within its folders, but for the lock. */
const entries = (path: string): string[] =>
  readdirSync(path, { recursive: true }).map((name) => String(name).replaceAll("\\", "/")).filter((name) => name !== lockFile); // biome-ignore format: one thought

/** Whether a folder has nothing but what a run writes before its first update is done: no line of metrics, no checkpoint, and nothing of anybody else's. */
function isUntrained(path: string): boolean {
  const found = entries(path);
  if (found.length === 0) return true;
  const metrics = join(path, "metrics.jsonl");
  const isRun = ["config.json", "self-check.json"].every((name) => found.includes(name)); // a config.json alone may be somebody's own
  return isRun && found.every((name) => untrained.test(name)) && !(existsSync(metrics) && statSync(metrics).size > 0);
}

function clear(path: string): void {
  for (const name of entries(path)) rmSync(join(path, name), { recursive: true, force: true });
}

/** Whether it could be done. What fails while a failed start is undone would hide why it failed. */
function quietly(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

/** @throws EtalonError EXISTS */
export function refuseFull(path: string): void {
  refuseFile(path);
  if (!existsSync(path) || io(path, () => isUntrained(path))) return;
  throw new EtalonError("EXISTS", { argument: "out", value: path, allowed: "a folder that is new or empty", hint: "--resume goes on with the run that is there." }); // biome-ignore format: one thought
}

/** @throws EtalonError EXISTS: a file is where the folder would be */
function refuseFile(path: string): void {
  if (existsSync(path) && !statSync(path).isDirectory()) throw new EtalonError("EXISTS", { argument: "out", value: path, allowed: "a folder, not a file" }); // biome-ignore format: one thought
}

/** The keys that a resumed run may change: nothing that is done already depends on them. */
const changeable = [
  "train.epochs",
  "train.maxSkipped",
  "checkpoint.every",
  "checkpoint.keep",
  "measure.every",
  "log.tensorboard",
  "parallel.splitGroups",
  "parallel.bucketMB",
];

/** @throws EtalonError BAD_CONFIG: names the first key that differs from the config.json of a run that has trained, or train.epochs where more are done; BAD_FILE: the file is no JSON */
export function refuseChange(path: string, config: TrainConfig): void {
  refuseFile(path);
  const file = join(path, "config.json");
  if (!existsSync(file) || isUntrained(path)) return;
  const [before, after] = [flatten(parseTrainConfig(readJson(file))), flatten(config)];
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    if (changeable.includes(key) || before.get(key) === after.get(key)) continue;
    throw new EtalonError("BAD_CONFIG", { argument: key, value: JSON.parse(after.get(key) ?? "null"), allowed: `${before.get(key) ?? "no such key"}, as the run began`, hint: `Only ${changeable.join(", ")} may change on resume.` }); // biome-ignore format: one thought
  }
  const done = Number(basename(latestCheckpoint(join(path, "checkpoints")) ?? "0"));
  if (config.train.epochs < done) throw new EtalonError("BAD_CONFIG", { argument: "train.epochs", value: config.train.epochs, allowed: `${done} or more`, hint: `The run has trained ${done} epochs.` }); // biome-ignore format: one thought
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new EtalonError("BAD_FILE", { argument: "config.json", value: file, allowed: "the JSON that the run wrote" }, { cause }); // biome-ignore format: one thought
  }
}

/** Every leaf by its path, as JSON; an item of a list by its number. */
function flatten(value: unknown, path = ""): Map<string, string> {
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0)
    return new Map([[path, JSON.stringify(value)]]);
  return new Map(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .flatMap(([key, inner]) => [...flatten(inner, path === "" ? key : `${path}.${key}`)]),
  );
}
