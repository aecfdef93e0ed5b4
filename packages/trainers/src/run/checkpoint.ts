import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { io, sync, syncFolder } from "./io.ts";

/** Folder and file names count epochs in six digits. */
export const epochName = (epoch: number): string => String(epoch).padStart(6, "0");

/**
 * Writes a checkpoint whole or not at all: a temporary folder, brought to the disk, renamed. Then drops all but the newest ones.
 * @param root  the run's checkpoints folder    @param fill  writes the files into the folder it is given    @param keep  how many stay
 * @throws EtalonError IO: nothing half-written stays, and the older checkpoints do
 */
export function writeCheckpoint(root: string, epoch: number, fill: (folder: string) => void, keep: number): void {
  const [folder, temporary] = [join(root, epochName(epoch)), join(root, `.${epochName(epoch)}.partial`)];
  io(folder, () => {
    mkdirSync(root, { recursive: true });
    rmSync(temporary, { recursive: true, force: true });
    try {
      mkdirSync(temporary);
      fill(temporary);
      syncFolder(temporary);
      rmSync(folder, { recursive: true, force: true });
      renameSync(temporary, folder);
      sync(root);
    } catch (error) {
      rmSync(temporary, { recursive: true, force: true });
      throw error;
    }
    for (const name of checkpointNames(root).slice(0, -keep))
      rmSync(join(root, name), { recursive: true, force: true });
  });
}

/** The newest checkpoint's folder; undefined where there is none. Folders that a kill left unfinished are none. */
export function latestCheckpoint(root: string): string | undefined {
  const newest = checkpointNames(root).at(-1);
  return newest === undefined ? undefined : join(root, newest);
}

const checkpointNames = (root: string): string[] =>
  existsSync(root)
    ? readdirSync(root)
        .filter((name) => /^\d{6,}$/.test(name))
        .sort((a, b) => Number(a) - Number(b))
    : [];
