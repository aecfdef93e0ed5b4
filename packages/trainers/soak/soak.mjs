/**
 * Trains the tiny default for many epochs and watches the process's memory after each, garbage collected, with a checkpoint and a sample grid on the disk: tensors and the engine's
 * pool must stay to the byte, and the slope of RSS must be 0 within its error. glibc's malloc is told to give back at once what is freed, and to keep one arena: as it comes, RSS also
 * has what malloc keeps for later, which moves by megabytes and fills up over hundreds of epochs (docs/memory.md). And V8 is told to interpret (`--jitless`): its compilers go on for
 * hundreds of epochs too, and the code they make lies in its heap. The program and what it keeps are the same. `--compiled` lets them run, `--as-is` leaves malloc alone as well.
 *
 *   npm run soak -w @etalon/trainers -- --epochs 200 --warm-up 100
 *   npm run soak -w @etalon/trainers -- --leak 20        keeps 20 kB an epoch, to show that it is found
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { parseArgs } from "node:util";
import { getHeapCodeStatistics } from "node:v8";
import { tf } from "@etalon/engine";
import { openRun, parseTrainConfig, trainPreset } from "@etalon/trainers";
import { blockSlope } from "./blockSlope.mjs";

const { values: given } = parseArgs({
  options: {
    epochs: { type: "string", default: "200" },
    "warm-up": { type: "string", default: "100" },
    leak: { type: "string", default: "0" },
    "as-is": { type: "boolean", default: false },
    compiled: { type: "boolean", default: false },
    set: { type: "string", multiple: true, default: [] },
  },
});
const malloc = { MALLOC_ARENA_MAX: "1", MALLOC_MMAP_THRESHOLD_: "65536", MALLOC_TRIM_THRESHOLD_: "65536" }; // read when a process starts
if (!given["as-is"] && process.env.MALLOC_ARENA_MAX !== malloc.MALLOC_ARENA_MAX) {
  const v8 = given.compiled ? [] : ["--jitless"];
  const again = [...process.execArgv, ...v8, ...process.argv.slice(1)];
  const { status } = spawnSync(process.execPath, again, { stdio: "inherit", env: { ...process.env, ...malloc } });
  process.exit(status ?? 1);
}
const [epochs, warmUp, leak] = [given.epochs, given["warm-up"], given.leak].map(Number);
if (!(epochs >= 20 && epochs % 10 === 0)) throw new Error(`--epochs is ${given.epochs}; allowed: 20, 30, …`);

const MB = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
const kB = (bytes) => `${(bytes / 1e3).toFixed(1)} kB`;
const out = mkdtempSync(join(tmpdir(), "etalon-soak-"));
const kept = [];

/** What is read after each epoch, in memory that is there from the start. `used` and `free` are bytes of the native engine's pool, NaN where another engine runs; `code` is V8's, a part of `heapUsed`. */
const names = ["numTensors", "used", "free", "heapUsed", "code", "external", "rss"];
const readings = Object.fromEntries(names.map((name) => [name, new Float64Array(epochs)]));

const sets = ["sampler.steps=4", "train.promptsPerEpoch=4", "train.groupSize=4", "train.trainedSteps=2", "checkpoint.every=1", "checkpoint.samples=4"]; // biome-ignore format: a list
const config = parseTrainConfig(trainPreset("tiny-ddpo").config, [
  ...sets,
  ...given.set,
  `train.epochs=${warmUp + epochs}`,
]);
const trainer = await openRun({ config, out: join(out, "run") });
for await (const { epoch } of trainer) {
  if (epoch > warmUp && leak > 0) kept.push(Buffer.alloc(1000 * leak, 1));
  await trainer.save(); // so that none of a checkpoint's arrays is on its way to the disk
  globalThis.gc();
  await setImmediate();
  globalThis.gc(); // V8 frees arrays beside the program: a second collection waits for those of the first
  const { code_and_metadata_size, bytecode_and_metadata_size } = getHeapCodeStatistics();
  const code = code_and_metadata_size + bytecode_and_metadata_size;
  const reading = { ...process.memoryUsage(), ...tf.memory(), code };
  for (const name of names) if (epoch > warmUp) readings[name][epoch - warmUp - 1] = reading[name];
  if (epoch % 20 === 0) console.log(`epoch ${epoch}/${warmUp + epochs}: RSS ${MB(reading.rss)}, JavaScript ${MB(reading.heapUsed)}, ${reading.numTensors} tensors`); // biome-ignore format: one thought
}
await trainer.close();
rmSync(out, { recursive: true });

const growing = [];
for (const name of names.slice(0, 3)) {
  const seen = [...new Set(readings[name])];
  console.log(`${name} after each epoch: ${seen.join(", ")}`);
  if (seen.length > 1) growing.push(name);
}
for (const name of names.slice(3)) {
  const { slope, within } = blockSlope(readings[name]);
  console.log(`${name} ${MB(readings[name][0])} → ${MB(readings[name].at(-1))} in ${epochs} epochs: slope ${kB(slope)} an epoch, 95 % within ± ${kB(within)}`); // biome-ignore format: one thought
  if (name === "rss" && slope > within) growing.push("RSS");
}
if (growing.length > 0) {
  console.error(`memory grows: ${growing.join(", ")}`);
  process.exitCode = 1;
}
