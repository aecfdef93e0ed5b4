/**
 * Trains the tiny default for many epochs and watches the process's memory: the slope of RSS over epochs, and the number of tensors after each.
 *
 *   npm run soak -w @etalon/trainers -- --epochs 200
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { tf } from "@etalon/engine";
import { openRun, parseTrainConfig, trainPreset } from "@etalon/trainers";

const { values } = parseArgs({ options: { epochs: { type: "string", default: "200" } } });
const epochs = Number(values.epochs);
const warmUp = Math.floor(epochs / 4); // pools and compiled code grow until then
const blocks = 10;

const out = mkdtempSync(join(tmpdir(), "etalon-soak-"));
const config = parseTrainConfig(trainPreset("tiny-ddpo").config, [`train.epochs=${epochs}`, "sampler.steps=4", "train.promptsPerEpoch=4", "train.groupSize=4", "train.trainedSteps=2", "checkpoint.every=10", "checkpoint.samples=4"]); // biome-ignore format: a list
const trainer = await openRun({ config, out: join(out, "run") });
const [rss, tensors] = [[], []];
for await (const { epoch } of trainer) {
  globalThis.gc();
  rss.push(process.memoryUsage.rss());
  tensors.push(tf.memory().numTensors);
  if (epoch % 20 === 0)
    console.log(`epoch ${epoch}/${epochs}: ${(rss.at(-1) / 1e6).toFixed(1)} MB, ${tensors.at(-1)} tensors`);
}
await trainer.close();
rmSync(out, { recursive: true });

// Neighbouring values hang together: the slope's error is taken from means of blocks.
const late = rss.slice(warmUp);
const size = Math.floor(late.length / blocks);
const means = Array.from(
  { length: blocks },
  (_, i) => late.slice(i * size, (i + 1) * size).reduce((a, b) => a + b) / size,
);
const middle = (blocks - 1) / 2;
const mean = means.reduce((a, b) => a + b) / blocks;
const spread = means.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
const slope = means.reduce((sum, value, i) => sum + (i - middle) * value, 0) / spread;
const rest = means.reduce((sum, value, i) => sum + (value - mean - slope * (i - middle)) ** 2, 0);
const error = Math.sqrt(rest / (blocks - 2) / spread);
const t = 2.306; // of 8 degrees of freedom, 95 %
const perEpoch = (bytes) => `${(bytes / size / 1e3).toFixed(1)} kB`;
console.log(
  `RSS ${(late[0] / 1e6).toFixed(1)} MB after ${warmUp} epochs, ${(late.at(-1) / 1e6).toFixed(1)} MB after ${epochs}; slope ${perEpoch(slope)} an epoch, 95 % within ± ${perEpoch(t * error)}`,
);
console.log(`tensors after each epoch: ${[...new Set(tensors)].join(", ")}`);
const flat = slope - t * error <= 0;
if (!flat || new Set(tensors).size > 1) {
  console.error("memory grows");
  process.exitCode = 1;
}
