import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { ended } from "@etalon/testkit";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { started } from "./startEngine.ts";
import { trainingStep } from "./workers/trainingStep.ts";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const bundle = here(`.worker-${process.pid}.mjs`);

/** A worker thread takes no TypeScript: the package's own source in one file, beside what it looks for. */
beforeAll(async () => {
  await build({
    entryPoints: [here("workers/worker.ts")],
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["@etalon/source"],
    external: ["@tensorflow/*"],
    logLevel: "error",
  });
  process.env.ETALON_BINARY ||= here("../../../native/build/Release/etalon.node"); // which a bundle does not find by its own place
});
afterAll(() => rmSync(bundle, { force: true }));

describe.skipIf(started.name !== "native")("worker threads with an engine each", () => {
  test("three at once, forward and backward, give the bits of the main thread", async () => {
    const run = (seed: number) =>
      new Promise<Float32Array>((settle, reject) => {
        const worker = new Worker(bundle, { workerData: { rounds: 20, seed } });
        worker.on("message", ({ values }) => values && settle(values)).once("error", reject);
      });
    const answers = Promise.all([1, 2, 1].map(run));
    const mine = [1, 2].map(trainingStep);
    const [first, second, third] = await answers;
    expect(mine[0].every(Number.isFinite)).toBe(true);
    expect(Buffer.compare(Buffer.from(mine[0].buffer), Buffer.from(mine[1].buffer))).not.toBe(0);
    for (const [values, i] of [[first, 0], [second, 1], [third, 0]] as const) // biome-ignore format: a table
      expect(values.every((value, at) => Object.is(value, mine[i][at]))).toBe(true);
  });

  test("terminated in mid-call they leave a process that goes on", async () => {
    const child = spawn(process.execPath, [here("workers/terminated.mjs"), bundle], { stdio: ["ignore", "pipe", "pipe"] });
    expect(await ended(child)).toEqual({ code: 0, signal: null, stdout: "41601\n", stderr: "" });
  });
}); // biome-ignore format: long lines
