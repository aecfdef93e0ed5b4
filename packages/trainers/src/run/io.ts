import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { EtalonError } from "@etalon/errors";

/** Runs something that writes; what the system refuses becomes an EtalonError IO that names the file. */
export function io<T>(file: string, write: () => T): T {
  try {
    return write();
  } catch (cause) {
    throw asIo(file, cause);
  }
}

/** As `io`, of something that takes its time. */
export async function ioAsync<T>(file: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    throw asIo(file, cause);
  }
}

function asIo(file: string, cause: unknown): EtalonError {
  if (EtalonError.is(cause)) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new EtalonError("IO", { argument: "file", value: file, allowed: "a place that can be written", hint: `${why}.` }, { cause }); // biome-ignore format: one thought
}

/** Brings a file or a folder's entries to the disk itself. */
export async function syncPlace(place: string): Promise<void> {
  const handle = await open(place, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Brings all files of a folder and of those within it, and their entries, to the disk. */
export async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const place = join(folder, entry.name);
    await (entry.isDirectory() ? syncTree(place) : syncPlace(place));
  }
  await syncPlace(folder);
}
