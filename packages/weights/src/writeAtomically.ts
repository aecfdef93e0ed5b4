import { closeSync, fsyncSync, openSync, realpathSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { threadId } from "node:worker_threads";
import { EtalonError } from "@etalon/errors";
import { isSynced } from "./unsynced.ts";

let made = 0;

/** What one call writes at most, in bytes: the system takes no more than 2^31 − 1. */
const maxWrite = 2 ** 30;

/**
 * Writes a file piece by piece, whole or not at all: into a new file beside it, which is flushed to the disk, renamed over it, and the folder flushed too. Where anything fails, a full disk,
 * say, or `body` throws, an older file of that name stands as it was and nothing is left behind. Within `unsynced` nothing is flushed. Links are followed; an older file's permissions are kept.
 * @param body  calls `write` with one piece after another    @throws EtalonError IO: the system refused; and what `body` throws
 */
export function writeAtomically(file: string, body: (write: (bytes: Uint8Array) => void) => void): void {
  const { target, mode } = standing(file);
  const temporary = `${target}.${process.pid}-${threadId}-${made++}.tmp`;
  const descriptor = system(file, () => openSync(temporary, "wx", mode));
  try {
    try {
      body((bytes) => system(file, () => writeAll(descriptor, bytes)));
      if (isSynced()) system(file, () => fsyncSync(descriptor));
    } finally {
      closeSync(descriptor);
    }
    system(file, () => renameSync(temporary, target));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  if (isSynced()) flushFolder(dirname(target));
}

/** Where the file lies that a name leads to, and its permissions. */
function standing(file: string): { target: string; mode: number | undefined } {
  try {
    const target = realpathSync(file);
    return { target, mode: statSync(target).mode & 0o777 };
  } catch {
    return { target: file, mode: undefined };
  }
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(descriptor, bytes, done, Math.min(bytes.length - done, maxWrite));
}

/** So that the new name outlives a loss of power. Systems that cannot flush a folder do without. */
function flushFolder(folder: string): void {
  try {
    const descriptor = openSync(folder, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // the file itself is whole and flushed
  }
}

function system<T>(file: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    const hint = `${cause instanceof Error ? cause.message : cause}.`;
    throw new EtalonError("IO", { argument: "file", value: file, allowed: "a file that can be written", hint }, { cause }); // biome-ignore format: one thought
  }
}
