import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { EtalonError } from "@etalon/errors";
import writeFileAtomic from "write-file-atomic";
import type { Metrics } from "../Trainer.ts";
import { io } from "./io.ts";

/** Appends lines and brings them to the disk: all of them, or, where the disk refuses, none. @throws EtalonError IO */
export function appendMetrics(file: string, lines: readonly Metrics[]): void {
  io(file, () => {
    const before = existsSync(file) ? statSync(file).size : 0;
    const handle = openSync(file, "a");
    try {
      const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
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

/** Takes out the lines after an update, which a run that goes on from its checkpoint writes again. @throws EtalonError BAD_FILE: lines before it are missing */
export function truncateMetrics(file: string, step: number): void {
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const lines = text.split("\n").slice(0, step);
  const whole = lines.length === step && lines.every((line, i) => stepOf(line) === i + 1);
  if (!whole) throw new EtalonError("BAD_FILE", { argument: "metrics.jsonl", value: file, allowed: `one line for each of the ${step} updates that the checkpoint has` }); // biome-ignore format: one thought
  io(file, () => writeFileAtomic.sync(file, lines.map((line) => `${line}\n`).join("")));
}

function stepOf(line: string): unknown {
  try {
    return (JSON.parse(line) as Partial<Metrics>).step;
  } catch {
    return undefined;
  }
}
