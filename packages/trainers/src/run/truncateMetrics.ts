import { existsSync, readFileSync } from "node:fs";
import { EtalonError } from "@etalon/errors";
import writeFileAtomic from "write-file-atomic";
import type { Metrics } from "../Trainer.ts";
import { io } from "./io.ts";

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
