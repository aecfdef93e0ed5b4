import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { EtalonError } from "@etalon/errors";
import { badFile } from "./badFile.ts";

/** What one call reads at most, in bytes: the system takes no more than 2^31 − 1. */
const maxRead = 2 ** 30;

/** Opens a regular file for as long as `use` runs. @throws EtalonError NOT_FOUND, BAD_FILE */
export function withFile<T>(file: string, kind: string, use: (descriptor: number, size: number) => T): T {
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch (cause) {
    const detail = { argument: "file", value: file, allowed: `${kind} that can be read` };
    throw new EtalonError("NOT_FOUND", detail, { cause });
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw badFile(file, "no regular file", kind);
    return use(descriptor, stat.size);
  } finally {
    closeSync(descriptor);
  }
}

/** Just `length` bytes from `position`, in memory of their own that begins at a multiple of 8. @throws EtalonError BAD_FILE: the file is shorter, or there is not so much memory */
export function readRange(file: string, descriptor: number, position: number, length: number): Uint8Array {
  const { size } = fstatSync(descriptor); // before memory is made for what a file only says it has
  if (position + length > size) throw badFile(file, `cut at byte ${size}`, `${length} bytes from ${position}`);
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(length);
  } catch (error) {
    throw unread(file, position, length, error);
  }
  return readInto(file, descriptor, position, bytes);
}

/** The bytes from `position` into `bytes`, all of it: no copy in between. @throws EtalonError BAD_FILE: the file is shorter, or cannot be read */
export function readInto(file: string, descriptor: number, position: number, bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  try {
    for (let done = 0; done < length; ) {
      const got = readSync(descriptor, bytes, done, Math.min(length - done, maxRead), position + done);
      if (got === 0) throw badFile(file, `cut at byte ${position + done}`, `${length} bytes from ${position}`);
      done += got;
    }
    return bytes;
  } catch (error) {
    throw EtalonError.is(error) ? error : unread(file, position, length, error);
  }
}

function unread(file: string, position: number, length: number, error: unknown): EtalonError {
  const why = error instanceof Error ? error.message : String(error);
  return badFile(file, `${why} at byte ${position}`, `${length} bytes that can be read into memory`);
}
