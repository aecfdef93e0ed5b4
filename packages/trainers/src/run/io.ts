import { closeSync, fsyncSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { EtalonError } from "@etalon/errors";

/** Runs something that writes; what the system refuses becomes an EtalonError IO that names the file. */
export function io<T>(file: string, write: () => T): T {
  try {
    return write();
  } catch (cause) {
    if (EtalonError.is(cause)) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new EtalonError("IO", { argument: "file", value: file, allowed: "a place that can be written", hint: `${why}.` }, { cause }); // biome-ignore format: one thought
  }
}

/** Brings a file or a folder's entries to the disk itself. */
export function sync(place: string): void {
  const handle = openSync(place, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Brings a folder's files and its entries to the disk, and those of the folders in it. */
export function syncFolder(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) syncFolder(join(folder, entry.name));
    else sync(join(folder, entry.name));
  }
  sync(folder);
}
