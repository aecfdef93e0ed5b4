import "@etalon/testkit";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engine, tf, type Variable } from "@etalon/engine";
import { goldenPath, goldenTensors } from "@etalon/testkit";
import { readSafetensors, toFloat32, writeSafetensors } from "@etalon/weights";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { close, goldenCases, take } from "../../test/golden.ts";
import { loadModel } from "../loadModel.ts";
import type { UNet2DConditionModel } from "../unet/UNet2DConditionModel.ts";

// PEFT's and diffusers' own outputs, gradients and files: packages/testkit/golden/README.md.
const cases = goldenCases("lora_unet/cases.safetensors");
const golden = (name: string) => goldenPath(`lora_unet/${name}`);
const folder = mkdtempSync(join(tmpdir(), "etalon-"));
let model: UNet2DConditionModel;

beforeAll(async () => {
  await engine();
});
beforeEach(async () => {
  model = await loadModel(goldenPath("lora_unet"), { className: "UNet2DConditionModel" });
});
afterEach(() => model.dispose());
afterAll(() => rmSync(folder, { recursive: true }));

const forward = () =>
  model.forward({
    sample: cases.tensor("sample"),
    timestep: cases.tensor("timestep"),
    encoderHiddenStates: cases.tensor("encoder_hidden_states"),
  }).sample;
const out = () => take(tf.tidy(forward));

describe("beside PEFT and diffusers", () => {
  test("off, on, at other weights", () => {
    expect(out()).toBeAllclose(cases.values("out"), close);
    model.loadAdapter(golden("pytorch_lora_weights.safetensors"));
    expect(out()).toBeAllclose(cases.values("out_lora"), close);
    model.setAdapters({ default: 0.5 });
    expect(out()).toBeAllclose(cases.values("out_lora_weight0.5"), close);
    model.setAdapterEnabled(false);
    expect(out()).toBeAllclose(cases.values("out"), close);
  });

  test("PEFT's own file, with the config beside it", () => {
    model.loadAdapter(golden("peft"));
    expect(out()).toBeAllclose(cases.values("out_lora"), close);
  });

  test("the older names; a file that tells no alpha means scale 1", () => {
    model.loadAdapter(golden("pytorch_lora_weights_down_up.safetensors"));
    expect(out()).toBeAllclose(cases.values("out_lora_scale1"), close);
  });

  test("gradients of every A and B", () => {
    model.loadAdapter(golden("pytorch_lora_weights.safetensors"));
    const variables = model.parameters("lora");
    const expected = goldenTensors("lora_unet/grads.safetensors");
    expect([...variables.keys()].sort()).toEqual([...expected.names].sort());
    tf.tidy(() => {
      const cotangent = cases.tensor("cotangent");
      const { grads } = tf.variableGrads(() => forward().mul(cotangent).sum().asScalar(), [...variables.values()]);
      for (const [name, variable] of variables) {
        const truth = toFloat32(expected.get(name));
        const actual = model.adapter.parameters.inFile(name, grads[(variable as Variable).name]).data;
        const largest = truth.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        expect(actual, name).toBeAllclose(truth, { atol: 1e-3 * largest });
      }
    });
  });
});

describe("files", () => {
  test("saved for diffusers it has just the keys, shapes and values that diffusers writes", () => {
    model.loadAdapter(golden("pytorch_lora_weights.safetensors"));
    model.saveAdapter(join(folder, "diffusers"));
    const [ours, theirs] = [join(folder, "diffusers", "pytorch_lora_weights.safetensors"), golden("pytorch_lora_weights.safetensors")].map(readSafetensors); // biome-ignore format: one thought
    expect(ours.names).toEqual(theirs.names);
    for (const name of theirs.names) expect(ours.get(name), name).toEqual(theirs.get(name));
    const settings = JSON.parse(ours.metadata.lora_adapter_metadata);
    const given = JSON.parse(theirs.metadata.lora_adapter_metadata);
    expect(settings).toEqual(Object.fromEntries(Object.keys(settings).map((key) => [key, given[key]])));
    expect(settings["unet.lora_alpha"]).toBe(6);
  });

  test.each(["peft", "kohya"] as const)("saved as %s and loaded again gives the same bits", (format) => {
    model.loadAdapter(golden("pytorch_lora_weights.safetensors"));
    const before = out();
    model.saveAdapter(join(folder, format), { format });
    model.loadAdapter(join(folder, format));
    expect(out()).toEqual(before);
  });

  test("kohya's names are ComfyUI's: dots as underscores, alpha a number a layer", () => {
    model.addAdapter({ rank: 2, alpha: 4, targets: ["to_q"] });
    model.saveAdapter(join(folder, "names"), { format: "kohya" });
    const stored = readSafetensors(join(folder, "names", "kohya_lora.safetensors"));
    const layer = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q";
    expect(stored.names.filter((name) => name.startsWith(layer))).toEqual(
      [".alpha", ".lora_down.weight", ".lora_up.weight"].map((end) => layer + end),
    );
    expect(stored.info(`${layer}.alpha`).shape).toEqual([]);
  });

  test("the oldest attention-processor names are read", () => {
    const theirs = readSafetensors(golden("pytorch_lora_weights.safetensors"));
    const older = theirs.names.map((name) => {
      const spelt = name.replace(/\.to_(q|k|v|out)(\.0)?\.lora_(A|B)\./, (_, part, __, half) => `.processor.to_${part}_lora.${half === "A" ? "down" : "up"}.`); // biome-ignore format: one thought
      return [spelt.replace("unet.", ""), theirs.get(name)] as const;
    });
    const file = join(folder, "older.safetensors");
    writeSafetensors(file, Object.fromEntries(older));
    model.loadAdapter(file);
    expect(out()).toBeAllclose(cases.values("out_lora_scale1"), close);
  });

  test("what does not fit is named, and the model stays as it was", () => {
    const theirs = readSafetensors(golden("pytorch_lora_weights.safetensors"));
    const tensors = Object.fromEntries(theirs.names.map((name) => [name, theirs.get(name)]));
    const file = join(folder, "wrong.safetensors");
    const first = theirs.names[0];
    const load = (change: Parameters<typeof writeSafetensors>[1]) => () => {
      writeSafetensors(file, { ...tensors, ...change });
      model.loadAdapter(file);
    };
    const one = { dtype: "F32" as const, shape: [3, 9], data: new Float32Array(27) };
    expect(load({ [first]: one })).toThrow(`${file}: ${first} does not fit; allowed: a tensor [3,8].`);
    expect(load({ "unet.up_blocks.9.to_q.lora_A.weight": one })).toThrow("up_blocks.9.to_q.lora_A.weight does not fit; allowed: a layer of the model.");
    expect(load({ "unet.weight": one })).toThrow("unet.weight does not fit; allowed: a key as unet.….lora_A.weight.");
    const bad = { ...one, shape: [3, 8], data: new Float32Array(24).fill(Number.NaN, 10, 11) };
    expect(load({ [first]: bad })).toThrow(`tensor "${first}" is NaN or infinite at [1, 2]`);
    expect(model.hasAdapter).toBe(false);
    cpSync(golden("peft"), join(folder, "dora"), { recursive: true });
    writeFileSync(join(folder, "dora", "adapter_config.json"), '{"use_dora": true}');
    expect(() => model.loadAdapter(join(folder, "dora"))).toThrow("use_dora of");
  }); // biome-ignore format: long lines
});

describe("adapters", () => {
  test("of two names add up by their scales", () => {
    const file = golden("pytorch_lora_weights.safetensors");
    model.loadAdapter(file, { name: "a", scale: 0.25 });
    model.loadAdapter(file, { name: "b", scale: 0.25 });
    expect(model.adapters).toEqual(["a", "b"]);
    expect(out()).toBeAllclose(cases.values("out_lora_weight0.5"), close);
    model.setAdapters({ b: 1 });
    expect(out()).toBeAllclose(cases.values("out_lora"), close);
    model.removeAdapter("b");
    expect(out()).toBeAllclose(cases.values("out"), close);
    expect(() => model.setAdapters({ c: 1 })).toThrow('adapter is "c"; allowed: a.');
  });

  test("merged into the weights give the same outputs; unmerged, the weights have their bits again", () => {
    const before = out();
    model.loadAdapter(golden("pytorch_lora_weights.safetensors"));
    model.mergeAdapters();
    expect(out()).toBeAllclose(cases.values("out_lora"), close);
    model.unmergeAdapters();
    expect(out()).toBeAllclose(cases.values("out_lora"), close);
    model.setAdapterEnabled(false);
    expect(out()).toEqual(before);
  });

  test("on convolutions and MLPs: merged they are the same", () => {
    model.addAdapter({ rank: 2, alpha: 3, targets: ["conv1", "conv_shortcut", "downsamplers.0.conv", "proj_in", "ff.net.0.proj", "ff.net.2", "time_emb_proj"] }, 3); // biome-ignore format: one thought
    for (const [name, variable] of model.parameters("lora")) {
      if (name.endsWith("lora_B.weight")) tf.tidy(() => variable.assign(tf.linspace(-0.2, 0.3, variable.size).reshape(variable.shape))); // biome-ignore format: one thought
    }
    const adapted = out();
    model.saveAdapter(join(folder, "conv"), { format: "peft" });
    model.mergeAdapters();
    expect(out()).toBeAllclose(adapted, { atol: 2e-4, rtol: 2e-4 });
    model.unmergeAdapters();
    model.loadAdapter(join(folder, "conv"));
    expect(out()).toEqual(adapted);
    const stored = readSafetensors(join(folder, "conv", "adapter_model.safetensors"));
    const prefix = "base_model.model.down_blocks.0.downsamplers.0.conv";
    expect(stored.info(`${prefix}.lora_A.weight`).shape).toEqual([2, 8, 3, 3]);
    expect(stored.info(`${prefix}.lora_B.weight`).shape).toEqual([8, 2, 1, 1]);
  });

  test("begin Gaussian or uniform, with B zero, by their seed", () => {
    for (const init of ["gaussian", "uniform"] as const) {
      model.addAdapter({ rank: 3, init }, 5);
      expect(out()).toBeAllclose(cases.values("out"), close);
      const a = model.adapter.parameters.values("mid_block.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight").data; // biome-ignore format: one thought
      model.addAdapter({ rank: 3, init }, 5);
      expect(model.adapter.parameters.values("mid_block.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight").data).toEqual(a); // biome-ignore format: one thought
      const largest = Math.max(...a.map(Math.abs));
      expect(largest > 1 / Math.sqrt(8)).toBe(init === "gaussian");
    }
  });
});
