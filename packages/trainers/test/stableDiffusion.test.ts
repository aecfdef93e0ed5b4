import "@etalon/testkit";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AdamW, engine, type Tensor, tf } from "@etalon/engine";
import { plan, sample } from "@etalon/gddim";
import { loadPipeline, type Pipeline, writeTinyStableDiffusion } from "@etalon/models";
import { goldenPath, goldenTensors } from "@etalon/testkit";
import { readSafetensors, toFloat32 } from "@etalon/weights";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Metrics, openRun, parseTrainConfig } from "../src/index.ts";
import { policyGradients } from "../src/parts/policyGradients.ts";
import { rollOut } from "../src/parts/rollOut.ts";
import { trainingPlan } from "../src/parts/trainingPlan.ts";
import { updatePolicy } from "../src/parts/updatePolicy.ts";

let root = "";
let tiny = "";
beforeAll(async () => {
  await engine();
  root = mkdtempSync(join(tmpdir(), "etalon-sd-"));
  tiny = join(root, "tiny-sd");
  writeTinyStableDiffusion(tiny, { seed: 1 });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const config = (sets: string[] = [], model = tiny) =>
  parseTrainConfig({ model, prompts: "simple-animals", reward: "jpeg-incompressibility", sampler: { eta: 1.2, steps: 4, guidance: 5, batch: 3 }, train: { epochs: 3, promptsPerEpoch: 2, groupSize: 2, learningRate: 3e-4, microBatch: 2, lora: { rank: 4, alpha: 4 } }, checkpoint: { every: 1, keep: 5 } }, sets); // biome-ignore format: one thought

describe("six guided DDIM steps of diffusers and the picture of the end", () => {
  const golden = goldenTensors("trajectories/cases.safetensors");
  const values = (name: string) => toFloat32(golden.get(name));
  /** [.., channels, height, width] to channels last. */
  const turned = (name: string) => {
    const { shape } = golden.info(name);
    const [channels, height, width] = shape.slice(-3);
    const x = tf.tidy(() => tf.tensor(values(name), [values(name).length / channels / height / width, channels, height, width]).transpose([0, 2, 3, 1])); // biome-ignore format: one thought
    const data = x.dataSync<"float32">().slice();
    x.dispose();
    return data;
  };

  test("every latent, and the decoding", async () => {
    const folder = join(root, "golden");
    writeTinyStableDiffusion(folder);
    for (const [part, from] of [
      ["unet", "unet_sd15"],
      ["vae", "vae_sd15"],
    ]) {
      // biome-ignore format: short
      rmSync(join(folder, part), { recursive: true });
      cpSync(goldenPath(from), join(folder, part), { recursive: true });
    }
    const pipeline = await loadPipeline(folder);
    const conditioning = (name: string) => ({ count: 2, tensors: { text: tf.tensor(values(name), [2, 7, 16]) }, dispose: () => undefined }); // biome-ignore format: one thought
    const [cond, uncond] = [conditioning("unet.cond"), conditioning("unet.uncond")];
    const shape = [8, 12, 4];
    const run = (x: Float32Array, t: number, c: typeof cond) => {
      const out: Tensor = tf.tidy(() => pipeline.predict(tf.tensor(x, [2, ...shape]), t, c));
      const data = out.dataSync<"float32">().slice();
      out.dispose();
      return data;
    };
    const denoiser = (x: Float32Array, t: number) => ({ cond: run(x, t, cond), uncond: run(x, t, uncond) });
    const steps = plan({ path: pipeline.path, steps: 6, eta: 0 });
    expect(steps.steps.map(({ t }) => t)).toEqual(Array.from(golden.get("unet.timesteps").data as BigInt64Array, Number)); // biome-ignore format: one thought
    const latents = turned("unet.latents");
    const dim = 2 * 8 * 12 * 4;
    let i = 0;
    for await (const { next } of sample({ denoiser, plan: steps, shape, seed: 0, samples: 2, guidance: 7.5, x: turned("unet.x_T") })) {
      i++;
      expect(next, `latent ${i}`).toBeAllclose(latents.subarray(i * dim, (i + 1) * dim), { atol: 2e-3, rtol: 5e-5 });
    } // biome-ignore format: one thought
    expect(i).toBe(6);
    const { data, width, height } = pipeline.decode(turned("unet.final").slice(0, dim / 2), 1, shape);
    expect([width, height]).toEqual([96, 64]);
    const pixels = turned("unet.image").map((value) => Math.max(0, Math.min(255, (value + 1) * 127.5)));
    expect(data).toBeAllclose(pixels, { atol: 0.51 });
    pipeline.dispose();
  });
});

/** Trains to the end, or to an epoch, and gives the metrics. */
async function train(out: string, sets: string[] = [], until?: number, resume = false): Promise<Metrics[]> {
  const trainer = await openRun({ config: config(sets), out, resume });
  const lines: Metrics[] = [];
  try {
    for await (const line of trainer) {
      lines.push(line);
      if (line.epoch === until) break;
    }
  } finally {
    await trainer.close();
  }
  return lines;
}

const adapterOf = (run: string, epoch: string) => join(run, "checkpoints", epoch, "pytorch_lora_weights.safetensors");

describe("DDPO on a Stable Diffusion of tiny sizes", () => {
  test("three updates train, checkpoint, and resume to the same bits; the adapter has just the keys that diffusers writes", async () => {
    const [whole, parted] = [join(root, "whole"), join(root, "parted")];
    const lines = await train(whole);
    expect(lines.map(({ step }) => step)).toEqual([1, 2, 3]);
    expect(lines[0].ratio.max).toBeCloseTo(1, 5);
    expect(lines.every(({ gradNorm, skipped }) => gradNorm !== null && gradNorm > 0 && skipped === 0)).toBe(true);
    await train(parted, [], 1);
    await train(parted, [], undefined, true);
    expect(readFileSync(adapterOf(parted, "000003"))).toEqual(readFileSync(adapterOf(whole, "000003")));
    expect(readFileSync(adapterOf(whole, "000003"))).not.toEqual(readFileSync(adapterOf(whole, "000001")));
    const stored = readSafetensors(adapterOf(whole, "000003"));
    expect(stored.names).toEqual(expectedKeys());
    const settings = JSON.parse(stored.metadata.lora_adapter_metadata);
    expect(settings).toEqual({ "unet.r": 4, "unet.lora_alpha": 4, "unet.target_modules": ["to_q", "to_k", "to_v", "to_out.0"] }); // biome-ignore format: one thought
    expect(existsSync(join(whole, "samples", "000003.png"))).toBe(true);
  });

  test("all parameters: a checkpoint is a pipeline of its own, and resumes", async () => {
    const out = join(root, "all");
    await train(out, ["train.parameters=all", "train.epochs=2", "train.learningRate=1e-5"], 1);
    await train(out, ["train.parameters=all", "train.epochs=2", "train.learningRate=1e-5"], undefined, true);
    const pipeline = await loadPipeline(join(out, "checkpoints", "000002"));
    expect(pipeline.latentShape()).toEqual([8, 8, 4]);
    pipeline.dispose();
  });

  test("a pattern trains what it names", async () => {
    const lines = await train(join(root, "pattern"), ["train.parameters=attn2\\.to_(k|v)\\.weight$", "train.epochs=1"]); // biome-ignore format: one thought
    expect(lines).toHaveLength(1);
  });
});

/** What diffusers' save_lora_weights writes for this U-Net, by hand: one level with attention down, the middle, two layers up. */
function expectedKeys(): string[] {
  const places = ["down_blocks.0.attentions.0", "mid_block.attentions.0", "up_blocks.1.attentions.0", "up_blocks.1.attentions.1"]; // biome-ignore format: a list
  const layers = ["attn1", "attn2"].flatMap((attention) => ["to_k", "to_out.0", "to_q", "to_v"].map((part) => `${attention}.${part}`)); // biome-ignore format: one thought
  return places
    .flatMap((place) => layers.map((layer) => `unet.${place}.transformer_blocks.0.${layer}`))
    .flatMap((layer) => [`${layer}.lora_A.weight`, `${layer}.lora_B.weight`])
    .sort();
}

describe("an update's memory and sums", () => {
  async function rolledOut(pipeline: Pipeline) {
    const made = config();
    const prompts = ["cat", "cat", "dog", "dog"];
    const ids = Uint32Array.from(prompts, (_, i) => i);
    return rollOut({ pipeline, plan: trainingPlan(made, pipeline.path, 0), prompts, seed: 3, ids, guidance: 5 });
  }
  const advantages = Float64Array.of(1, -1, 0.5, -0.5);
  const options = { guidance: 5, clip: 1e-4, reduction: "mean" as const, noiseLevelWeight: 0, kl: 0 };

  test("fifty updates leave no tensor behind", async () => {
    const pipeline = await loadPipeline(tiny);
    pipeline.model.addAdapter({ rank: 2, alpha: 2 });
    const variables = pipeline.model.parameters("lora");
    const rollout = await rolledOut(pipeline);
    rollout.steps.length = 1;
    const optimiser = new AdamW(variables, { learningRate: 1e-4 });
    const update = () => updatePolicy({ ...options, pipeline, variables, microBatch: 2, optimiser, maxGradNorm: 1 }, rollout, advantages, [0, 1, 2, 3]); // biome-ignore format: one thought
    await update();
    const { numTensors, numBytes } = tf.memory();
    for (let i = 0; i < 50; i++) await update();
    expect(tf.memory().numTensors).toBe(numTensors);
    expect(tf.memory().numBytes).toBe(numBytes);
    optimiser.dispose();
    pipeline.dispose();
  });

  test("micro-batches sum up to one big batch, to 1e-5", async () => {
    const pipeline = await loadPipeline(tiny);
    pipeline.model.addAdapter({ rank: 2, alpha: 2 });
    const variables = pipeline.model.parameters("lora");
    for (const [name, variable] of variables) if (name.includes("lora_B")) tf.tidy(() => variable.assign(tf.linspace(-0.1, 0.1, variable.size).reshape(variable.shape))); // biome-ignore format: one thought
    const rollout = await rolledOut(pipeline);
    const at = async (microBatch: number) => (await policyGradients({ ...options, pipeline, variables, microBatch }, rollout, advantages, [0, 1, 2, 3])).gradients; // biome-ignore format: one thought
    const [big, one, three] = [await at(4), await at(1), await at(3)];
    for (const name of variables.keys()) {
      const truth = big[name].dataSync<"float32">();
      const largest = truth.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      for (const other of [one, three]) expect(other[name].dataSync(), name).toBeAllclose(truth, { atol: 1e-5 * largest + 1e-12 }); // biome-ignore format: one thought
    }
    pipeline.dispose();
  });
});
