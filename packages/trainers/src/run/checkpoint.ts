import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { unsynced } from "@etalon/weights";
import writeFileAtomic from "write-file-atomic";
import { io, ioAsync, syncPlace, syncTree } from "./io.ts";

/** The mean reward of pictures drawn by the ODE, and its standard error. */
export interface OdeReward {
  mean: number;
  sem: number;
}

/** The best checkpoint so far, as best.json has it. */
export interface BestCheckpoint {
  epoch: number;
  /** Its folder's path within the run folder. */
  folder: string;
  ode: OdeReward;
}

/** In the run folder: the checkpoints folder holds checkpoints only. */
const bestFile = (root: string): string => join(dirname(root), "best.json");

/** Folder and file names count epochs in six digits. */
export const epochName = (epoch: number): string => String(epoch).padStart(6, "0");

/** A checkpoint to be written. */
export interface CheckpointPlan {
  epoch: number;
  /** Writes the files into the folder it is given; they need not be brought to the disk. `ode` in state.json is what the best is chosen by. */
  fill: (folder: string) => void;
  /** How many of the newest stay. */
  keep: number;
}

/**
 * Writes a checkpoint whole or not at all: its files go into a temporary folder at once, so that training may go on when this returns; the promise brings them to the
 * disk, renames the folder, and drops all but the newest checkpoints and the best one.
 * @param root  the run's checkpoints folder
 * @returns settled when the checkpoint is on the disk: whether it is the best so far
 * @throws EtalonError IO, at once or by the promise: nothing half-written stays, and the older checkpoints do
 */
export function writeCheckpoint(root: string, plan: CheckpointPlan): Promise<{ best: boolean }> {
  const { epoch, fill } = plan;
  const [folder, temporary] = [join(root, epochName(epoch)), join(root, `.${epochName(epoch)}.partial`)];
  io(folder, () => {
    mkdirSync(root, { recursive: true });
    for (const name of readdirSync(root)) if (isUnfinished(name)) rmSync(join(root, name), { recursive: true, force: true }); // biome-ignore format: one thought
    try {
      mkdirSync(temporary);
      unsynced(() => fill(temporary));
    } catch (error) {
      rmSync(temporary, { recursive: true, force: true });
      throw error;
    }
  });
  return ioAsync(folder, () => publish(root, temporary, plan));
}

async function publish(root: string, temporary: string, { epoch, keep }: CheckpointPlan): Promise<{ best: boolean }> {
  const name = epochName(epoch);
  try {
    await syncTree(temporary);
    await rename(temporary, join(root, name));
    await syncPlace(root);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  const best = bestCheckpoint(root);
  const isBest = best?.epoch === epoch;
  if (isBest) await ioAsync(bestFile(root), () => writeFileAtomic(bestFile(root), textOf(best)));
  for (const old of checkpointNames(root).slice(0, -keep))
    if (Number(old) !== best?.epoch) await rm(join(root, old), { recursive: true, force: true });
  return { best: isBest };
}

/** The newest checkpoint's folder; undefined where there is none. Folders that a kill left unfinished are none. */
export function latestCheckpoint(root: string): string | undefined {
  const newest = checkpointNames(root).at(-1);
  return newest === undefined ? undefined : join(root, newest);
}

/**
 * The checkpoint of the highest ODE reward, by the states of those that are there: the best one is never dropped, so it is among them. The earlier of equal ones.
 * It is found without best.json, which a kill may have left a checkpoint behind.
 */
export function bestCheckpoint(root: string): BestCheckpoint | undefined {
  const all = checkpointNames(root).flatMap((folder) => {
    const ode = odeOf(join(root, folder, "state.json"));
    return ode === undefined ? [] : [{ epoch: Number(folder), folder: `checkpoints/${folder}`, ode }];
  });
  return all.reduce<BestCheckpoint | undefined>((best, one) => (best && best.ode.mean >= one.ode.mean ? best : one), undefined); // biome-ignore format: one thought
}

/** Writes best.json anew where it does not name the best of the checkpoints that are there. @throws EtalonError IO */
export function mendBest(root: string): void {
  const best = bestCheckpoint(root);
  const file = bestFile(root);
  const text = best && textOf(best);
  if (text === (existsSync(file) ? readFileSync(file, "utf8") : undefined)) return;
  io(file, () => (text === undefined ? rmSync(file, { force: true }) : writeFileAtomic.sync(file, text)));
}

function odeOf(file: string): OdeReward | undefined {
  try {
    const { ode } = JSON.parse(readFileSync(file, "utf8")) as { ode?: OdeReward };
    return typeof ode?.mean === "number" ? ode : undefined;
  } catch {
    return undefined; // told where it is loaded
  }
}

const textOf = (best: BestCheckpoint): string => `${JSON.stringify(best)}\n`;

const isUnfinished = (name: string): boolean => /^\.\d{6,}\.partial$/.test(name);

const checkpointNames = (root: string): string[] =>
  existsSync(root)
    ? readdirSync(root)
        .filter((name) => /^\d{6,}$/.test(name))
        .sort((a, b) => Number(a) - Number(b))
    : [];
