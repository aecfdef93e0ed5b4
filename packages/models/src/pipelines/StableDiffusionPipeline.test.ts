import "@etalon/testkit";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engine, tf } from "@etalon/engine";
import { readSafetensors, writeSafetensors } from "@etalon/weights";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { loadPipeline } from "../loadPipeline.ts";
import { openStableDiffusion } from "./openStableDiffusion.ts";
import type { StableDiffusionPipeline } from "./StableDiffusionPipeline.ts";
import { writeTinyStableDiffusion } from "./writeTinyStableDiffusion.ts";

const root = mkdtempSync(join(tmpdir(), "etalon-"));
const folder = join(root, "sd");
let pipeline: StableDiffusionPipeline;
beforeAll(async () => {
  await engine();
  writeTinyStableDiffusion(folder, { seed: 2 });
});
beforeEach(async () => {
  pipeline = await openStableDiffusion(folder);
});
afterEach(() => pipeline.dispose());
afterAll(() => rmSync(root, { recursive: true }));

const x = (count: number) => Float32Array.from({ length: 256 * count }, (_, i) => Math.sin(i));
const edit = (file: string, change: object) => {
  const path = join(folder, file);
  const before = readFileSync(path, "utf8");
  writeFileSync(path, JSON.stringify({ ...JSON.parse(before), ...change }));
  return () => writeFileSync(path, before);
};

describe("what loadPipeline gives of a folder", () => {
  test("has its folder's name, its scheduler's path, and the U-Net's size", async () => {
    const loaded = await loadPipeline(folder);
    expect(loaded.name).toBe("sd");
    expect(loaded.path.prediction).toBe("epsilon");
    expect(loaded.latentShape()).toEqual([8, 8, 4]);
    expect(loaded.latentShape(16, 24)).toEqual([4, 6, 4]);
    expect(() => loaded.latentShape(30)).toThrow("size is [30,30]; allowed: multiples of 4 pixels.");
    expect(loaded.unknownWords(["anything"])).toEqual([]);
    loaded.dispose();
  });

  test("a prediction type of the scheduler's is the path's", async () => {
    const undo = edit("scheduler/scheduler_config.json", { prediction_type: "v_prediction" });
    const other = await openStableDiffusion(folder);
    expect(other.path.prediction).toBe("v");
    other.dispose();
    undo();
  });

  test("passes a safety checker over with a note, and refuses parts that would change pictures", async () => {
    const checker = ["stable_diffusion", "StableDiffusionSafetyChecker"];
    let undo = edit("model_index.json", { safety_checker: checker, feature_extractor: ["transformers", "CLIPImageProcessor"] });
    const noted = await openStableDiffusion(folder);
    expect(noted.notes).toEqual(["The safety checker is not run: pictures are not filtered."]);
    noted.dispose();
    undo();
    undo = edit("model_index.json", { image_encoder: ["transformers", "CLIPVisionModelWithProjection"] });
    await expect(openStableDiffusion(folder)).rejects.toThrow("image_encoder of");
    undo();
    undo = edit("model_index.json", { _class_name: "StableDiffusionXLPipeline" });
    await expect(loadPipeline(folder)).rejects.toThrow('is "StableDiffusionXLPipeline"; allowed: StableDiffusionPipeline.');
    undo();
  }); // biome-ignore format: long lines

  test("refuses parts that do not fit each other, and leaves no tensor behind", async () => {
    const before = tf.memory().numTensors;
    const undo = edit("tokenizer/tokenizer_config.json", { model_max_length: 20 });
    await expect(openStableDiffusion(folder)).rejects.toThrow("length of the tokenizer is 20; allowed: 16, as the text encoder's max_position_embeddings."); // biome-ignore format: one thought
    undo();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe("denoising", () => {
  test("does not depend on the batch; guidance gives both outputs, the other one for the negative prompt", () => {
    const prompts = ["cat", "dog", "cat"];
    const run = (options: Parameters<typeof pipeline.denoiser>[1]) => {
      const denoiser = pipeline.denoiser(prompts, options);
      const out = denoiser(x(3), 400);
      denoiser.dispose();
      return out as { cond: Float32Array; uncond: Float32Array };
    };
    const [one, all] = [run({ guidance: 5, batch: 1 }), run({ guidance: 5, batch: 3 })];
    expect(one.cond).toBeAllclose(all.cond, { atol: 5e-5 });
    expect(one.uncond).toBeAllclose(all.uncond, { atol: 5e-5 });
    expect(run({ guidance: 1 })).toBeAllclose(all.cond as never, { atol: 5e-5 });
    expect(run({ guidance: 5, negative: "dog" }).uncond).not.toEqual(all.uncond);
    expect(all.cond).not.toEqual(all.uncond);
  });

  test("leaves no tensor behind but prompts that are remembered, which dispose frees", async () => {
    const before = tf.memory().numTensors;
    const other = await openStableDiffusion(folder);
    const loaded = tf.memory().numTensors;
    const draw = () => {
      const denoiser = other.denoiser(["cat", "dog"], { guidance: 2 });
      denoiser(x(2), 10);
      denoiser.dispose();
      other.decode(x(2), 2);
    };
    draw();
    expect(tf.memory().numTensors).toBe(loaded + 3);
    draw();
    expect(tf.memory().numTensors).toBe(loaded + 3);
    other.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test("refuses NaN, wrong lengths and no prompts", () => {
    expect(() => pipeline.denoiser([])).toThrow("prompts is []; allowed: at least one prompt.");
    expect(() => pipeline.decode(new Float32Array(255), 1)).toThrow("latents is Float32Array of length 255; allowed: 256 items.");
    expect(() => pipeline.decode(new Float32Array(256).fill(Number.NaN), 1)).toThrow("latents[0] is NaN; allowed: finite numbers.");
    const denoiser = pipeline.denoiser(["cat"]);
    expect(() => denoiser(new Float32Array(256).fill(Number.NaN), 5)).toThrow("model output[0] is NaN");
    denoiser.dispose();
  }); // biome-ignore format: long lines
});

test("tells the memory of an update: it grows with the batch and with guidance", () => {
  pipeline.model.addAdapter({ rank: 2 });
  pipeline.model.parameters("lora");
  const [one, four, guided] = [[1, 1], [4, 1], [1, 5]].map(([batch, guidance]) => pipeline.updateBytes({ batch, guidance })); // biome-ignore format: one thought
  expect(four).toBeGreaterThan(1.5 * one);
  expect(guided).toBeGreaterThan(one);
  pipeline.model.unet.net.checkpointing = false;
  expect(pipeline.updateBytes({ batch: 1, guidance: 1 })).toBeGreaterThan(one);
});

describe("saving", () => {
  test("the whole pipeline, as loadPipeline reads it, to the same outputs", async () => {
    const place = join(root, "saved");
    pipeline.save(place);
    const other = await openStableDiffusion(place);
    const outputs = [pipeline, other].map((each) => each.denoiser(["cat"])(x(1), 3));
    expect(outputs[1]).toEqual(outputs[0]);
    expect(other.decode(x(1), 1)).toEqual(pipeline.decode(x(1), 1));
    other.dispose();
    pipeline.save(join(root, "half"), "F16");
    expect(readSafetensors(join(root, "half", "unet", "diffusion_pytorch_model.safetensors")).info("conv_in.bias").dtype).toBe("F16");
  }); // biome-ignore format: long lines

  test("an adapter's file may have a part for the text encoder: prompts are then encoded by it, and it is saved again", () => {
    pipeline.model.addAdapter({ rank: 2, alpha: 2 });
    pipeline.model.saveAdapter(join(root, "unet"));
    const unet = readSafetensors(join(root, "unet", "pytorch_lora_weights.safetensors"));
    const layer = "text_encoder.text_model.encoder.layers.0.self_attn.q_proj";
    const half = (shape: number[]) => ({ dtype: "F32" as const, shape, data: new Float32Array(32).fill(0.3) });
    const tensors = Object.fromEntries(unet.names.map((name) => [name, unet.get(name)]));
    writeSafetensors(join(root, "both.safetensors"), { ...tensors, [`${layer}.lora_A.weight`]: half([2, 16]), [`${layer}.lora_B.weight`]: half([16, 2]) });
    const text = () => pipeline.encodePrompts(["cat"]).tensors.text.dataSync();
    const before = text();
    pipeline.model.loadAdapter(join(root, "both.safetensors"));
    const after = text();
    expect(after).not.toEqual(before);
    pipeline.model.setAdapterEnabled(false);
    expect(text()).toEqual(before);
    pipeline.model.setAdapterEnabled(true);
    pipeline.model.saveAdapter(join(root, "again"));
    expect(readSafetensors(join(root, "again", "pytorch_lora_weights.safetensors")).names).toContain(`${layer}.lora_B.weight`);
    expect(() => pipeline.model.saveAdapter(join(root, "peft"), { format: "peft" })).toThrow("allowed: diffusers or kohya");
    pipeline.model.loadAdapter(join(root, "unet"));
    expect(text()).toEqual(before);
    pipeline.model.loadAdapter(join(root, "again"));
    expect(text()).toEqual(after);
  }); // biome-ignore format: long lines
});
