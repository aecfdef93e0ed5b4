// The config beside this file on a Stable Diffusion of tiny sizes and random weights: three updates, a stop in between, and the reward gap. It shows that everything runs; the
// pictures are noise.    node tiny.js [FOLDER]
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { measuredTraining } from "@etalon/gap";
import { writeTinyStableDiffusion } from "@etalon/models";
import { openRun, parseTrainConfig } from "@etalon/trainers";

const folder = process.argv[2] ?? "runs/sd15-ddpo-tiny";
const model = join(folder, "model");
const out = join(folder, "run");
if (!existsSync(model)) writeTinyStableDiffusion(model);

const small = ["sampler.steps=5", "train.promptsPerEpoch=4", "train.updatesPerEpoch=1", "checkpoint.every=1", "measure.every=3", "measure.steps=5", "measure.samples=6", "measure.every=3"]; // biome-ignore format: a list
const json = JSON.parse(readFileSync(fileURLToPath(new URL("ddpo.json", import.meta.url)), "utf8"));

/** Trains up to an epoch, from where the folder stands. */
async function train(epochs) {
  const config = parseTrainConfig({ ...json, model }, [...small, `train.epochs=${epochs}`]);
  const trainer = await openRun({ config, out, resume: existsSync(out) });
  try {
    for await (const event of measuredTraining(trainer)) {
      if (event.kind === "metrics") console.log(`update ${event.metrics.step}: reward ${event.metrics.reward.mean.toFixed(3)}, ratio ${event.metrics.ratio.mean.toFixed(4)}`); // biome-ignore format: one thought
      else console.log(`epoch ${event.gap.epoch}: gap ${event.gap.gap.mean.toFixed(4)} ± ${(1.96 * event.gap.gap.sem).toFixed(4)}`); // biome-ignore format: one thought
    }
  } finally {
    await trainer.close();
  }
}

await train(1);
console.log("resumed:");
await train(3);
console.log(`the adapter: ${join(out, "checkpoints", "000003", "pytorch_lora_weights.safetensors")}`);
