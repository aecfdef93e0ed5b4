import { existsSync, readdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";

const deepest = 4;
const closed = new Set(["checkpoints", "samples", "tensorboard", "node_modules"]);

/** The run folders in a folder, itself included, by their path from it: those with a config.json and a metrics.jsonl, or that a run has just begun in. Links are not followed. */
export function findRuns(root: string): Map<string, string> {
  const runs = new Map<string, string>();
  const look = (dir: string, name: string, depth: number) => {
    if (isRun(dir)) runs.set(name === "" ? basename(resolve(root)) : name, dir);
    if (depth === deepest) return;
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      if (!entry.isDirectory() || entry.name.startsWith(".") || closed.has(entry.name)) continue;
      look(join(dir, entry.name), name === "" ? entry.name : `${name}/${entry.name}`, depth + 1);
    }
  };
  look(root, "", 0);
  return new Map([...runs].sort(([a], [b]) => (a < b ? -1 : 1)));
}

const isRun = (dir: string): boolean =>
  existsSync(join(dir, "config.json")) && (existsSync(join(dir, "metrics.jsonl")) || existsSync(join(dir, ".lock")));
