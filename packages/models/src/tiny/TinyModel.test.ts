import "@etalon/testkit";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AdamW, clipGlobalNorm, engine, tf } from "@etalon/engine";
import { readSafetensors, writeSafetensors } from "@etalon/weights";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { predictSmall, smallLoss, smallModel, uniform } from "../../test/tinyCase.ts";
import { Random } from "../random.ts";
import { TinyModel, tinyTargets } from "./TinyModel.ts";

const folder = mkdtempSync(join(tmpdir(), "etalon-"));
let model: TinyModel;

beforeAll(async () => {
  await engine();
});
beforeEach(() => {
  model = new TinyModel(smallModel());
});
afterEach(() => model.dispose());
afterAll(() => rmSync(folder, { recursive: true }));

/** Gives the adapter's B, which begins as zero, values. */
function trainAdapter(): void {
  for (const [i, [name, variable]] of [...model.parameters("lora")].entries()) {
    if (!name.endsWith("lora_B.weight")) continue;
    tf.tidy(() => variable.assign(tf.tensor(uniform(variable.size, 0.3, new Random(5, i)), variable.shape)));
  }
}

describe("an adapter", () => {
  test("changes nothing while new, something when trained, and nothing when off", () => {
    const base = predictSmall(model);
    model.addAdapter({ rank: 2, alpha: 4 });
    expect(predictSmall(model)).toBeAllclose(base, { atol: 1e-6, rtol: 1e-6 }); // the native engine has SiLU inside the product only without an adapter
    trainAdapter();
    const adapted = predictSmall(model);
    expect(adapted).not.toEqual(base);
    model.setAdapterEnabled(false);
    expect(predictSmall(model)).toEqual(base);
    model.setAdapterEnabled(true);
    expect(predictSmall(model)).toEqual(adapted);
  });

  test("adds (alpha/rank)·x·Aᵀ·Bᵀ: it equals weights with alpha/rank·B·A added", () => {
    model.addAdapter({ rank: 2, alpha: 6, targets: ["proj_mlp"] });
    trainAdapter();
    const adapted = predictSmall(model);
    const { parameters } = model.transformer;
    for (const block of [0, 1]) {
      const layer = `single_transformer_blocks.${block}.proj_mlp`;
      const adapter = model.parameters("lora");
      const [a, b] = ["A", "B"].map((half) => adapter.get(`${layer}.lora_${half}.weight`));
      tf.tidy(() => {
        const weight = parameters.get(`${layer}.weight`);
        weight.assign(weight.add(tf.matMul(a as never, b as never).mul(3)));
      });
    }
    model.setAdapterEnabled(false);
    expect(predictSmall(model)).toBeAllclose(adapted, { atol: 1e-5 });
  });

  test.each(["diffusers", "peft"] as const)("saved as %s and loaded again predicts the same bits", (format) => {
    model.addAdapter({ rank: 3, alpha: 5, targets: ["to_q", "to_out.0"] }, 8);
    trainAdapter();
    const adapted = predictSmall(model);
    const place = join(folder, format);
    model.saveAdapter(place, { format });
    const other = new TinyModel(smallModel());
    other.loadAdapter(place);
    expect(predictSmall(other)).toEqual(adapted);
    other.dispose();
    const file = format === "diffusers" ? "pytorch_lora_weights.safetensors" : "adapter_model.safetensors";
    const stored = readSafetensors(join(place, file));
    const prefix = format === "diffusers" ? "transformer." : "base_model.model.";
    const key = `${prefix}transformer_blocks.0.attn.to_out.0.lora_A.weight`;
    expect(stored.names).toContain(key);
    expect(stored.info(key).shape).toEqual([3, 16]);
    if (format === "diffusers") {
      expect(JSON.parse(stored.metadata.lora_adapter_metadata)).toEqual({
        "transformer.r": 3,
        "transformer.lora_alpha": 5,
        "transformer.target_modules": ["to_q", "to_out.0"],
      });
    }
  });

  test("is drawn by its seed", () => {
    const first = (seed: number) => {
      model.addAdapter({ rank: 2 }, seed);
      const [variable] = model.parameters("lora").values();
      return variable.dataSync<"float32">().slice();
    };
    expect(first(1)).toEqual(first(1));
    expect(first(1)).not.toEqual(first(2));
    expect(Math.max(...first(1))).toBeLessThanOrEqual(1 / Math.sqrt(3));
  });

  test("refuses a rank, a target, a file and a key that do not fit, and keeps the model as it was", () => {
    expect(() => model.addAdapter({ rank: 0 })).toThrow("rank is 0");
    expect(() => model.addAdapter({ targets: ["to_z"] })).toThrow('targets is "to_z"');
    expect(() => model.loadAdapter(join(folder, "none"))).toThrow("allowed: a file, or a folder with");
    const file = join(folder, "other.safetensors");
    const weight = { dtype: "F32" as const, shape: [1, 1], data: Float32Array.of(1) };
    writeSafetensors(file, { "transformer.proj_out.weight": weight });
    expect(() => model.loadAdapter(file)).toThrow("transformer.proj_out.weight does not fit");
    writeFileSync(file, "cut");
    expect(() => model.loadAdapter(file)).toThrow(file);
    expect(model.hasAdapter).toBe(false);
    expect(() => model.setAdapterEnabled(true)).toThrow("allowed: an adapter that was added or loaded before.");
  });
});

describe("parameters", () => {
  test("choose the adapter's, all but the word table, or by pattern, and freeze the rest", () => {
    model.addAdapter({ rank: 2 });
    const own = [...model.transformer.parameters.variables.keys()];
    const lora = [...model.parameters("lora").keys()];
    expect(lora.length).toBe(2 * lora.filter((name) => name.endsWith("lora_A.weight")).length);
    expect(lora.every((name) => tinyTargets.some((target) => `.${name}`.includes(`.${target}.lora_`)))).toBe(true);
    expect([...model.parameters("all").keys()]).toEqual(own.filter((name) => name !== "word_embedder.weight"));
    const chosen = model.parameters(/attn\.to_q\.weight$/);
    expect(chosen.size).toBe(3);
    const trainable = [...model.transformer.parameters.variables].filter(([, variable]) => variable.trainable);
    expect(trainable.map(([name]) => name)).toEqual([...chosen.keys()]);
  });

  test("refuse a pattern without a match, and lora without an adapter", () => {
    expect(() => model.parameters(/nothing/)).toThrow('parameters is "/nothing/"');
    expect(() => model.parameters("lora")).toThrow("allowed: an adapter that was added or loaded before.");
  });
});

test.each(["lora", "all"] as const)("fifty updates of %s leave no tensor behind, and lower the loss", (which) => {
  model.addAdapter({ rank: 2, alpha: 4 });
  const parameters = model.parameters(which);
  const optimiser = new AdamW(parameters, { learningRate: 1e-3 });
  const losses: number[] = [];
  const update = () => {
    const { value, grads } = tf.variableGrads(() => smallLoss(model.transformer).asScalar(), [...parameters.values()]);
    const named = Object.fromEntries([...parameters].map(([name, variable]) => [name, grads[variable.name]]));
    const { gradients } = clipGlobalNorm(named, 1);
    optimiser.step(gradients);
    losses.push(value.dataSync()[0]);
    tf.dispose([value, ...Object.values(grads), ...Object.values(gradients)]);
  };
  update();
  const before = tf.memory();
  for (let i = 0; i < 50; i++) update();
  expect(tf.memory().numTensors).toBe(before.numTensors);
  expect(tf.memory().numBytes).toBe(before.numBytes);
  expect(losses[50]).toBeLessThan(losses[0]);
  optimiser.dispose();
});
