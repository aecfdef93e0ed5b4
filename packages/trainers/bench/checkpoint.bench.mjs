// How long a checkpoint keeps training waiting, and when it is on the disk (fsync and rename done), which goes on beside the training: of the tiny default with all its parameters, and of an
// adapter of Stable Diffusion v1.5's U-Net with an identity in the U-Net's place: an adapter needs the sizes of its layers, not their weights. What a run draws with a checkpoint, the sample grid, is not in it.
//   npm run bench:checkpoint -w @etalon/trainers [-- --count 10 --rounds 3 --rank 4 --place FOLDER]     FOLDER's disk is measured; default: the system's for temporary files
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values: given } = parseArgs({
  options: {
    count: { type: "string", default: "10" },
    rounds: { type: "string", default: "3" },
    rank: { type: "string", default: "4" },
    place: { type: "string", default: tmpdir() },
    one: { type: "string" }, // what a process of its own times: tiny, sd15, or with averages tiny:ema, sd15:ema
  },
});
const [count, rounds, rank] = [given.count, given.rounds, given.rank].map(Number);
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** The fields of Stable Diffusion v1.5's U-Net that give its layers. */
const sd15 = {
  _class_name: "UNet2DConditionModel",
  act_fn: "silu",
  attention_head_dim: 8,
  block_out_channels: [320, 640, 1280, 1280],
  cross_attention_dim: 768,
  down_block_types: ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
  up_block_types: ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
  layers_per_block: 2,
  norm_num_groups: 32,
  norm_eps: 1e-5,
  in_channels: 4,
  out_channels: 4,
  sample_size: 64,
};

/** The tiny pipeline's path and latents with an identity for a model, and the adapter of a U-Net of Stable Diffusion v1.5's sizes, which has no weights. */
function adapterOnly(tiny, model) {
  const denoise = (x) => x;
  const halves = () => (model.hasAdapter ? [...model.adapter.variables.values()] : []); // the start-up check comes before the adapter
  return Object.assign(Object.create(tiny), {
    model,
    ...Object.fromEntries(["encodePrompts", "latentShape", "decode"].map((name) => [name, tiny[name].bind(tiny)])),
    predict: (x) => halves().reduce((sum, half) => sum.add(half.mean().mul(0)), x.clone()),
    denoiser: () => Object.assign(denoise, { dispose: () => {} }),
  });
}

/**
 * One process: a short run that saves after each epoch. A checkpoint's files are written in one go, which begins with the weights: from there until the event loop is free again training waits.
 * @returns a line a checkpoint but the first, in milliseconds
 */
async function timeRun(name, averaged) {
  const { engine } = await import("@etalon/engine");
  const { loadPipeline, UNet2DConditionModel } = await import("@etalon/models");
  const { openRun, parseTrainConfig, trainPreset } = await import("@etalon/trainers");
  await engine("native");
  const isTiny = name === "tiny";
  const tiny = await loadPipeline("tiny");
  const pipeline = isTiny ? tiny : adapterOnly(tiny, new UNet2DConditionModel(sd15));
  const [writer, method] = isTiny ? [pipeline, "save"] : [pipeline.model, "saveAdapter"];
  const write = writer[method];
  let now;
  writer[method] = (...args) => {
    const start = performance.now();
    if (now === undefined) {
      now = { start, weights: 0 };
      setImmediate((time) => (time.stall = performance.now() - start), now);
    }
    write.apply(writer, args);
    now.weights += performance.now() - start;
  };
  const config = parseTrainConfig(trainPreset("tiny-ddpo").config, [
    ...["train.promptsPerEpoch=1", "train.groupSize=2", "train.trainedSteps=1", "sampler.steps=2", "checkpoint.samples=1", "checkpoint.every=1000", `train.epochs=${count + 1}`], // biome-ignore format: a list
    ...(isTiny ? [] : ["train.parameters=lora", `train.lora.rank=${rank}`]),
    ...(averaged ? ['train.ema={"decay":0.95}'] : []),
  ]);
  const out = join(mkdtempSync(join(given.place, "etalon-checkpoints-")), "run");
  const times = [];
  try {
    const trainer = await openRun({ config, out, pipeline });
    for await (const { epoch } of trainer) {
      now = undefined;
      if (epoch > count) break; // the last epoch's is saved by the loop itself
      await trainer.save();
      times.push({ ...now, all: performance.now() - now.start });
    }
    await trainer.close();
    const folder = join(out, "checkpoints", String(count).padStart(6, "0"));
    const bytes = readdirSync(folder, { recursive: true }).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0); // biome-ignore format: one thought
    return { bytes, times: times.slice(1) };
  } finally {
    rmSync(join(out, ".."), { recursive: true });
  }
}

if (given.one) {
  const [name, averages] = given.one.split(":");
  process.stdout.write(JSON.stringify(await timeRun(name, averages === "ema")));
} else {
  const cases = {
    tiny: "tiny default, all parameters",
    "tiny:ema": "the same and averages (EMA)",
    sd15: `adapter of SD v1.5, rank ${rank}`,
    "sd15:ema": "the same and averages",
  };
  const options = ["--count", String(count), "--rank", String(rank), "--place", given.place];
  const runs = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, found] of Object.entries(runs)) {
      const command = [fileURLToPath(import.meta.url), "--one", name, ...options];
      found.push(JSON.parse(execFileSync(process.execPath, command, { encoding: "utf8" })));
    }
  }
  console.log(
    `${cpus()[0].model.trim()}, ${cpus().length} processors, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}; ms, medians of ${rounds} processes of ${count - 1} checkpoints, the longest in brackets\n`,
  );
  console.log("| checkpoint | MB | training waits | of it for weights and averages | on the disk after |\n|---|---|---|---|---|"); // biome-ignore format: one thought
  for (const [name, label] of Object.entries(cases)) {
    const times = runs[name].flatMap((run) => run.times);
    const cells = ["stall", "weights", "all"].map((part) => {
      const values = times.map((time) => time[part]);
      return `${median(values).toFixed(1)} (${Math.max(...values).toFixed(1)})`;
    });
    console.log(`| ${label} | ${[(runs[name][0].bytes / 1e6).toFixed(1), ...cells].join(" | ")} |`);
  }
}
