import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** All of a run's folder that must repeat: every file of the newest checkpoint, the metrics without their seconds, and the measurements where there are any. */
export function runTrace(out: string) {
  const checkpoint = join(out, "checkpoints", readdirSync(join(out, "checkpoints")).sort().at(-1) as string);
  const files = readdirSync(checkpoint, { recursive: true, encoding: "utf8" }).filter((name) => statSync(join(checkpoint, name)).isFile()).sort().map((name) => [name, readFileSync(join(checkpoint, name)).toString("base64")]); // biome-ignore format: one thought
  const lines = readFileSync(join(out, "metrics.jsonl"), "utf8").trim().split("\n");
  const metrics = lines.map((line) => ({ ...JSON.parse(line), seconds: 0 }));
  const gaps = join(out, "gap.jsonl");
  return {
    checkpoint: checkpoint.slice(out.length),
    files,
    metrics,
    gaps: existsSync(gaps) ? readFileSync(gaps, "utf8") : "",
  };
}
