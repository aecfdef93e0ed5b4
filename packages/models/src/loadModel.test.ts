import "@etalon/testkit";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { engine, tf } from "@etalon/engine";
import { goldenJson, goldenPath } from "@etalon/testkit";
import {
  type Dtype,
  fromFloat32,
  readSafetensors,
  type StoredTensor,
  toFloat32,
  writeSafetensors,
} from "@etalon/weights";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { goldenCases, take } from "../test/golden.ts";
import { sd15, sd21 } from "../test/sdConfigs.ts";
import { CLIPTextModel } from "./clip/CLIPTextModel.ts";
import { loadModel } from "./loadModel.ts";
import { UNet2DConditionModel } from "./unet/UNet2DConditionModel.ts";
import { AutoencoderKL } from "./vae/AutoencoderKL.ts";

const torchBin = fileURLToPath(new URL("../test/golden/torch_bin", import.meta.url));
let folder: string;
beforeAll(async () => {
  await engine();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "etalon-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A golden model's folder with its tensors changed. */
function changed(name: string, change: (tensors: Record<string, StoredTensor>) => void): string {
  cpSync(goldenPath(name), folder, { recursive: true });
  const stored = readSafetensors(join(folder, "model.safetensors"));
  const tensors = Object.fromEntries(stored.names.map((key) => [key, stored.get(key)]));
  change(tensors);
  writeSafetensors(join(folder, "model.safetensors"), tensors);
  return folder;
}

describe("every key of the hub's files", () => {
  // The counts are those of the published files: stable-diffusion-v1-5 and stable-diffusion-2-1 (their text encoders without position_ids).
  test("Stable Diffusion 1.5: 686 of the U-Net, 248 of the autoencoder, 196 of the text encoder", () => {
    expect(new UNet2DConditionModel(sd15.unet).net.parameters.specs.size).toBe(686);
    expect(new AutoencoderKL(sd15.vae).net.parameters.specs.size).toBe(248);
    expect(new CLIPTextModel(sd15.text).net.parameters.specs.size).toBe(196);
  });

  test("their parameters: 859,520,964, 83,653,863 and 123,060,480", () => {
    const count = ({ net }: { net: UNet2DConditionModel["net"] }) =>
      [...net.parameters.specs.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    expect(count(new UNet2DConditionModel(sd15.unet))).toBe(859_520_964);
    expect(count(new AutoencoderKL(sd15.vae))).toBe(83_653_863);
    expect(count(new CLIPTextModel(sd15.text))).toBe(123_060_480);
    expect(count(new UNet2DConditionModel(sd21.unet))).toBe(865_910_724);
  });
});

describe("weights", () => {
  test("the class comes from the config: _class_name, or the first of architectures", async () => {
    const models = [await loadModel(goldenPath("unet_sd15")), await loadModel(goldenPath("clip_text"))];
    expect(models.map((model) => model.constructor.name)).toEqual(["UNet2DConditionModel", "CLIPTextModel"]);
    for (const model of models) model.dispose();
    cpSync(goldenPath("clip_text"), folder, { recursive: true });
    writeFileSync(join(folder, "config.json"), '{"architectures": ["LlamaModel"]}');
    await expect(loadModel(folder)).rejects.toThrow('is "LlamaModel"; allowed: UNet2DConditionModel, AutoencoderKL, CLIPTextModel.');
    writeFileSync(join(folder, "config.json"), "{");
    await expect(loadModel(folder)).rejects.toThrow("allowed: a JSON object.");
  }); // biome-ignore format: long lines

  test("position_ids and a text encoder without its prefix are taken; old attention names too", async () => {
    const ids = { dtype: "I64" as const, shape: [1, 16], data: new BigInt64Array(16) };
    const text = await loadModel(changed("clip_text", (tensors) => {
      for (const key of Object.keys(tensors)) {
        tensors[key.replace("text_model.", "")] = tensors[key];
        delete tensors[key];
      }
      tensors["embeddings.position_ids"] = ids;
    }), { className: "CLIPTextModel" }); // biome-ignore format: one thought
    expect(text.net.parameters.variables.size).toBe(36);
    text.dispose();
    const names = { "to_q.": "query.", "to_k.": "key.", "to_v.": "value.", "to_out.0.": "proj_attn." };
    const vae = await loadModel(changed("vae_sd15", (tensors) => {
      for (const key of Object.keys(tensors)) {
        for (const [now, then] of Object.entries(names)) {
          if (!key.includes(now)) continue;
          tensors[key.replace(now, then)] = tensors[key];
          delete tensors[key];
        }
      }
    }), { className: "AutoencoderKL" }); // biome-ignore format: one thought
    const cases = goldenCases("vae_sd15/cases.safetensors");
    expect(take(vae.decode({ latent: cases.tensor("latent") }).image)).toBeAllclose(cases.values("decoded"), { atol: 5e-5, rtol: 5e-5 }); // biome-ignore format: one thought
    vae.dispose();
  });

  test("what is missing, unexpected or misshapen is named", async () => {
    const wrong = changed("unet_sd15", (tensors) => {
      delete tensors["conv_in.bias"];
      tensors["conv_in.extra"] = { dtype: "F32", shape: [1], data: new Float32Array(1) };
      tensors["conv_out.bias"] = { dtype: "F32", shape: [5], data: new Float32Array(5) };
    });
    await expect(loadModel(wrong)).rejects.toThrow("does not fit its config: 1 missing: conv_in.bias; 1 unexpected: conv_in.extra; 1 of another shape: conv_out.bias is [5] and should be [4].");
  }); // biome-ignore format: long lines

  test("integers in a weight's place are refused", async () => {
    const wrong = changed("unet_sd15", (tensors) => {
      tensors["conv_in.bias"] = { dtype: "I32", shape: [8], data: new Int32Array(8) };
    });
    await expect(loadModel(wrong)).rejects.toThrow("conv_in.bias is I32; allowed: F64, F32, F16, BF16, F8_E5M2");
  });

  test.each(["F16", "BF16"] as const)(
    "%s: the outputs are those of the rounded weights; trained, a parameter is float32",
    async (dtype) => {
      const cases = goldenCases("unet_sd15/cases.safetensors");
      const run = (model: UNet2DConditionModel) =>
      take(tf.tidy(() => model.forward({ sample: cases.tensor("sample"), timestep: 3, encoderHiddenStates: cases.tensor("encoder_hidden_states") }).sample)); // biome-ignore format: one thought
      const as = (kept: "F32" | typeof dtype) =>
        changed("unet_sd15", (tensors) => {
          for (const [key, tensor] of Object.entries(tensors)) {
            const words = { ...tensor, dtype, data: fromFloat32(toFloat32(tensor), dtype) };
            tensors[key] = kept === "F32" ? { ...words, dtype: "F32", data: toFloat32(words) } : words;
          }
        });
      const full = await loadModel(as("F32"), { className: "UNet2DConditionModel" });
      const packed = await loadModel(as(dtype), { className: "UNet2DConditionModel" });
      const isPacked = (await engine()).unpacks;
      const large = [...full.net.parameters.specs].map(([key, { shape }]) => [key, shape.reduce((a, b) => a * b, 1)] as const).filter(([, size]) => size >= 4096); // biome-ignore format: one thought
      expect(large.length).toBeGreaterThan(3);
      const saved = isPacked ? 2 * large.reduce((sum, [, size]) => sum + size, 0) : 0;
      expect(packed.net.parameters.bytes).toBe(full.net.parameters.bytes - saved);
      expect(run(packed)).toEqual(run(full));
      const before = tf.memory().numTensors;
      run(packed);
      expect(tf.memory().numTensors).toBe(before);
      const [key, size] = large[0];
      const chosen = packed.parameters(new RegExp(`^${key.replaceAll(".", "\\.")}$`));
      expect([...chosen.values()].map((variable) => variable.trainable)).toEqual([true]);
      expect(packed.net.parameters.bytes).toBe(full.net.parameters.bytes - saved + (isPacked ? 2 * size : 0)); // float32 now
      expect(run(packed)).toEqual(run(full));
      packed.addAdapter({ rank: 2 });
      const gradients = (model: UNet2DConditionModel) => {
        const variables = model.parameters("lora");
        return tf.tidy(() => {
          const { grads } = tf.variableGrads(() => model.forward({ sample: cases.tensor("sample"), timestep: 3, encoderHiddenStates: cases.tensor("encoder_hidden_states") }).sample.sum().asScalar(), [...variables.values()]); // biome-ignore format: one thought
          return [...variables.values()].map((variable) => grads[variable.name].abs().sum().dataSync()[0]);
        });
      };
      full.addAdapter({ rank: 2 });
      expect(gradients(packed)).toEqual(gradients(full));
      full.dispose();
      packed.dispose();
    },
  );

  test.each([
    ["a .bin of column-major views", "pytorch_model.bin"],
    ["parts with an index", "sharded"],
    ["a training run's checkpoint", "training.ckpt"],
  ])("what torch wrote: %s", async (_, name) => {
    cpSync(torchBin, folder, { recursive: true });
    const [truth, model] = [
      await loadModel(join(folder, "model.safetensors"), { className: "CLIPTextModel" }),
      await loadModel(join(folder, name), { className: "CLIPTextModel" }),
    ];
    for (const { name: key } of truth.net.parameters.specs.values())
      expect(model.net.parameters.values(key), key).toEqual(truth.net.parameters.values(key));
    rmSync(join(folder, "model.safetensors"));
    const found = await loadModel(folder, { className: "CLIPTextModel" });
    expect(found.net.parameters.variables.size).toBe(truth.net.parameters.variables.size);
    for (const each of [truth, model, found]) each.dispose();
  });

  test.each([
    ["F32", "conv_in.weight", Number.NaN, [3, 1, 2, 0]],
    ["F16", "mid_block.resnets.0.conv1.weight", Number.POSITIVE_INFINITY, [1, 0, 0, 2]],
    ["BF16", "conv_norm_out.weight", Number.NaN, [5]],
    ["F64", "time_embedding.linear_1.weight", Number.NEGATIVE_INFINITY, [2, 3]],
  ] as const)("%s: NaN or infinity is refused by tensor and index, unless asked for", async (dtype, name, value, index) => {
    const wrong = changed("unet_sd15", (tensors) => {
      const { shape, data } = tensors[name];
      const values = (data as Float32Array).slice();
      const at = index.reduce<number>((sum, each, axis) => sum * shape[axis] + each, 0);
      values[at] = value;
      values[values.length - 1] = value;
      const stored = dtype === "F64" ? Float64Array.from(values) : fromFloat32(values, dtype);
      tensors[name] = { dtype, shape, data: stored };
    });
    await expect(loadModel(wrong)).rejects.toThrow(`model.safetensors: tensor "${name}" is NaN or infinite at [${index.join(", ")}]; allowed: finite numbers`);
    const model = await loadModel(wrong, { finite: false });
    expect(model.net.parameters.values(name).data.at(-1)).toBe(value);
    model.dispose();
  }); // biome-ignore format: long lines

  test.each<[Dtype, number]>([["F8_E4M3", 0x38], ["F8_E5M2", 0x3c], ["F8_E4M3FNUZ", 0x40], ["F8_E5M2FNUZ", 0x40], ["F8_E8M0", 0x7f]])("%s weights are read as float32", async (dtype, one) => {
    const model = await loadModel(changed("unet_sd15", (tensors) => {
      const { shape, data } = tensors["conv_in.weight"];
      tensors["conv_in.weight"] = { dtype, shape, data: new Uint8Array(data.length).fill(one) };
    })); // biome-ignore format: one thought
    expect(new Set(model.net.parameters.values("conv_in.weight").data)).toEqual(new Set([1]));
    model.dispose();
  }); // biome-ignore format: long lines

  test("saved and loaded again, weights have their bits", async () => {
    const model = await loadModel(goldenPath("unet_sd15"));
    model.save(join(folder, "diffusion_pytorch_model.safetensors"));
    const [ours, theirs] = [join(folder, "diffusion_pytorch_model.safetensors"), goldenPath("unet_sd15/model.safetensors")].map(readSafetensors); // biome-ignore format: one thought
    expect(ours.names).toEqual(theirs.names);
    for (const name of theirs.names) expect(ours.get(name), name).toEqual(theirs.get(name));
    model.dispose();
  });
});

test("configs of Stable Diffusion 2.x and the upscaler build, with every option they use", () => {
  const small = { block_out_channels: [8, 16], down_block_types: ["CrossAttnDownBlock2D", "DownBlock2D"], up_block_types: ["UpBlock2D", "CrossAttnUpBlock2D"], norm_num_groups: 4, cross_attention_dim: 6, layers_per_block: 1, sample_size: 8 }; // biome-ignore format: one thought
  const options = [
    { attention_head_dim: [2, 4], use_linear_projection: true, upcast_attention: true },
    { attention_head_dim: 2, only_cross_attention: [true, false], num_class_embeds: 10, in_channels: 7 },
    { attention_head_dim: 2, resnet_time_scale_shift: "scale_shift", mid_block_scale_factor: 1.5, transformer_layers_per_block: [2, 1], layers_per_block: [2, 1], downsample_padding: 0, freq_shift: 1, flip_sin_to_cos: false, center_input_sample: true, conv_in_kernel: 5, conv_out_kernel: 1, time_embedding_dim: 12 },
  ]; // biome-ignore format: one line each
  for (const option of options) {
    const model = new UNet2DConditionModel({ ...small, ...option }).initialise(1);
    const inChannels = model.details.inChannels;
    const sample = tf.linspace(-1, 1, 2 * 48 * inChannels).reshape([2, 6, 8, inChannels]);
    const classLabels = "num_class_embeds" in option ? tf.tensor1d([3, 9], "int32") : undefined;
    const forward = () => model.forward({ sample, timestep: 20, encoderHiddenStates: tf.linspace(-1, 1, 2 * 18).reshape([2, 3, 6]), classLabels }).sample; // biome-ignore format: one thought
    const out = forward();
    expect(out.shape).toEqual([2, 6, 8, 4]);
    const values = take(out);
    expect(values.every(Number.isFinite)).toBe(true);
    expect(new Set(values).size).toBeGreaterThan(100);
    model.dispose();
  }
  expect(goldenJson<object>("unet_sd15/config.json")).toBeDefined();
});
