import "@etalon/testkit";
import { AdamW, type EngineName, engine, tf } from "@etalon/engine";
import { EtalonError } from "@etalon/errors";
import { Random, TinyTokenizer } from "@etalon/models";
import { describe, expect, test } from "vitest";
import { type ImageBatch, loadReward, scoreChecked } from "../index.ts";
import { contrastiveStep } from "./contrastiveStep.ts";
import { retrieval } from "./retrieval.ts";
import { TinyClip } from "./TinyClip.ts";

const engines: EngineName[] = ["wasm", "tfjs-node"];
const missing = new Set<EngineName>();
for (const name of engines) {
  await engine(name).catch((error) => {
    if (!EtalonError.is(error)) throw error;
    console.warn(`skipped on ${name}: ${error.message}`);
    missing.add(name);
  });
}

/** Discs on white, of one colour each. */
function discs(side: number, ...colours: number[][]): ImageBatch {
  const data = new Uint8Array(colours.length * side * side * 3).fill(255);
  for (const [i, colour] of colours.entries()) {
    for (let p = 0; p < side * side; p++) {
      const [y, x] = [Math.floor(p / side) + 0.5 - side / 2, (p % side) + 0.5 - side / 2];
      if (Math.hypot(x, y) < 0.45 * side) data.set(colour, (i * side * side + p) * 3);
    }
  }
  return { data, count: colours.length, width: side, height: side };
}
const red = [221, 46, 68];
const blue = [85, 172, 238];

describe.each(engines)("tiny-clip on %s", (name) => {
  const on = missing.has(name) ? test.skip : test;

  on("gives the scores that every engine gives", async () => {
    await engine(name);
    const reward = await loadReward("tiny-clip");
    const prompts = ["red circle", "blue circle", "red circle", "blue circle"];
    const scores = await scoreChecked(reward, discs(32, red, red, blue, blue), prompts);
    expect(scores).toBeAllclose([5.7502, 1.0394, 2.279, 6.1691], { atol: 1e-4 });
    expect(scores[0]).toBeGreaterThan(scores[1]);
    expect(scores[3]).toBeGreaterThan(scores[2]);
    reward.dispose?.();
  });

  on("scores a picture alike alone, in a batch over 64 and at another size; leaks no tensor", async () => {
    await engine(name);
    const reward = await loadReward("tiny-clip");
    const [alone] = await scoreChecked(reward, discs(32, red), ["red circle"]);
    const before = tf.memory().numTensors;
    const many = await scoreChecked(reward, discs(32, ...Array(70).fill(red)), Array(70).fill("red circle"));
    expect(tf.memory().numTensors).toBe(before);
    expect(many).toBeAllclose(Array(70).fill(alone), { atol: 1e-5 });
    const [large] = await scoreChecked(reward, discs(128, red), ["Red circle!"]);
    expect(Math.abs(large - alone)).toBeLessThan(1);
    expect(await scoreChecked(reward, discs(32, red), [""])).toHaveLength(1);
    expect(await scoreChecked(reward, { ...discs(32), count: 0 }, [])).toHaveLength(0);
    reward.dispose?.();
  });

  on("learns four pictures by heart, alike twice, without leaking a tensor", async () => {
    await engine(name);
    const learn = (steps: number) => {
      const model = small();
      model.initialise(new Random(1));
      const random = new Random(2);
      const images = Float32Array.from({ length: 4 * 16 * 16 * 3 }, () => random.uniform() * 2 - 1);
      const optimiser = new AdamW(model.parameters.variables, { learningRate: 0.01 });
      const losses: number[] = [];
      let tensors = 0;
      for (let step = 0; step < steps; step++) {
        losses.push(contrastiveStep(model, optimiser, images, words, 0.01).loss);
        if (step === 0) tensors = tf.memory().numTensors;
      }
      expect(tf.memory().numTensors).toBe(tensors);
      const found = retrieval(model, images, words);
      optimiser.dispose();
      model.dispose();
      return { losses, found };
    };
    const { losses, found } = learn(25);
    expect(losses[0]).toBeGreaterThan(0.5);
    expect(losses[24]).toBeLessThan(0.05);
    expect(found).toEqual({ top1: 1, top5: 1, among: 4 });
    expect(learn(5).losses).toEqual(losses.slice(0, 5));
  });

  on("has the gradient that finite differences give", async () => {
    await engine(name);
    const model = small();
    model.initialise(new Random(3));
    const random = new Random(4);
    const pixels = Float32Array.from({ length: 4 * 16 * 16 * 3 }, () => random.uniform() * 2 - 1);
    const bias = model.parameters.get("vision_model.layers.0.mlp.fc1.bias");
    const cosine = () =>
      model
        .embedImages(model.toPatches(pixels, 4))
        .mul(model.embedTexts(model.toBags(words)))
        .sum()
        .asScalar();
    const { grads } = tf.variableGrads(cosine, [bias]);
    const direction = Float32Array.from({ length: bias.size }, () => random.normal());
    const start = bias.dataSync<"float32">().slice();
    const at = (h: number) => {
      bias.assign(tf.tensor1d(start.map((value, i) => value + h * direction[i])));
      return tf.tidy(() => cosine().dataSync()[0]);
    };
    const slope = (at(0.01) - at(-0.01)) / 0.02;
    const exact = grads[bias.name].dataSync<"float32">().reduce((sum, g, i) => sum + g * direction[i], 0);
    expect(Math.abs(exact - slope)).toBeLessThan(1e-3 * Math.max(1, Math.abs(exact)));
    tf.dispose(grads);
    model.dispose();
  });
});

const words = ["cat", "dog", "red cat", "red dog"];

function small(): TinyClip {
  const tokenizer = new TinyTokenizer(["cat", "dog", "red"], 4);
  const shape = { image_size: 16, patch_size: 8, hidden_size: 16, num_layers: 1, num_attention_heads: 2, mlp_ratio: 2 };
  const text = { word_dim: 8, text_hidden_size: 16, vocab_size: tokenizer.size, projection_dim: 8 };
  return new TinyClip({ _class_name: "TinyClip", ...shape, ...text }, tokenizer);
}

test("refuses a folder without a model, and another model's config", async () => {
  await expect(loadReward("tiny-clip", { dir: "/nowhere" })).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect(() => new TinyClip(small().config, new TinyTokenizer(["cat"], 4))).toThrow("vocab_size is 5; allowed: 3");
});
