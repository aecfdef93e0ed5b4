import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, statSync, writeSync } from "node:fs";
import { io } from "./io.ts";

/** Appends lines of JSON and brings them to the disk: all of them, or, where the disk refuses, none. @throws EtalonError IO */
export function appendLines(file: string, lines: readonly object[]): void {
  appendBytes(file, Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join("")));
}

/** As `appendLines`, of bytes. @throws EtalonError IO */
export function appendBytes(file: string, bytes: Uint8Array): void {
  io(file, () => {
    const before = existsSync(file) ? statSync(file).size : 0;
    const handle = openSync(file, "a");
    try {
      if (writeSync(handle, bytes) !== bytes.length) throw new Error("the disk is full");
      fsyncSync(handle);
    } catch (error) {
      takeBack(handle, before);
      throw error;
    } finally {
      closeSync(handle);
    }
  });
}

/** Cuts a file to its size before. A file that cannot be cut stays: the error that is already on its way says more. */
function takeBack(handle: number, size: number): void {
  try {
    ftruncateSync(handle, size);
  } catch {}
}
