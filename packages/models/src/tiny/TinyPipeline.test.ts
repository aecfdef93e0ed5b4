import "@etalon/testkit";
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { tf } from "@etalon/engine";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { uniform } from "../../test/tinyCase.ts";
import { loadPipeline } from "../loadPipeline.ts";
import type { Pipeline } from "../Pipeline.ts";
import { loadPrompts } from "../prompts/loadPrompts.ts";
import { Random } from "../random.ts";

const dim = 32 * 32 * 3;
let pipeline: Pipeline;

beforeAll(async () => {
  pipeline = await loadPipeline("tiny");
});
afterAll(() => pipeline.dispose());

describe("the shipped model", () => {
  test("is at most 16 MB", () => {
    const file = new URL("../../assets/tiny/diffusion_pytorch_model.safetensors", import.meta.url);
    expect(statSync(fileURLToPath(file)).size).toBeLessThan(16e6);
  });

  test("knows colours: from noise, red things are red and blue ones blue", () => {
    const prompts = ["red heart", "red apple", "blue circle", "blue heart"];
    const denoiser = pipeline.denoiser(prompts);
    const x = new Float32Array(4 * dim).map(() => 0);
    const noise = new Random(1);
    const images = pipeline.decode(
      denoiser(
        x.map(() => noise.normal()),
        0.9,
      ) as Float32Array,
      4,
    ).data;
    denoiser.dispose();
    const mean = (i: number, channel: number) => {
      let sum = 0;
      for (let j = channel; j < dim; j += 3) sum += images[i * dim + j];
      return sum / (dim / 3);
    };
    for (const [i, prompt] of prompts.entries()) {
      const redder = mean(i, 0) - mean(i, 2);
      expect(prompt.startsWith("red") ? redder : -redder, prompt).toBeGreaterThan(20);
    }
  });
});

describe("denoiser", () => {
  const prompts = loadPrompts("tiny-train").slice(0, 5);
  const x = uniform(5 * dim, 1.5, new Random(2));

  test("gives the same for any split into micro-batches", () => {
    const [whole, split] = [32, 2].map((batch) => {
      const denoiser = pipeline.denoiser(prompts, { batch });
      const out = denoiser(x, 0.6) as Float32Array;
      denoiser.dispose();
      return out;
    });
    expect(split).toBeAllclose(whole, { atol: 1e-5 });
  });

  test("with guidance gives both outputs, the unconditional one for the empty or the negative prompt", () => {
    const run = (list: readonly string[], options: object) => {
      const denoiser = pipeline.denoiser(list, options);
      const out = denoiser(x, 0.6);
      denoiser.dispose();
      return out;
    };
    const guided = run(prompts, { guidance: 3 }) as { cond: Float32Array; uncond: Float32Array };
    expect(guided.cond).toEqual(run(prompts, {}));
    expect(guided.uncond).toEqual(run(Array(5).fill(""), {}));
    const negative = run(prompts, { guidance: 3, negative: "frog" }) as { uncond: Float32Array };
    expect(negative.uncond).toEqual(run(Array(5).fill("frog"), {}));
  });

  test("agrees with predict, and leaves no tensor behind", () => {
    const before = tf.memory().numTensors;
    const denoiser = pipeline.denoiser(prompts);
    const conditioning = pipeline.encodePrompts(prompts);
    const predicted = tf.tidy(() =>
      pipeline
        .predict(tf.tensor(x, [5, 32, 32, 3]), 0.6, conditioning)
        .dataSync<"float32">()
        .slice(),
    );
    expect(denoiser(x, 0.6)).toEqual(predicted);
    for (let i = 0; i < 3; i++) denoiser(x, 0.5);
    denoiser.dispose();
    conditioning.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test("refuses states of another length, NaN, and guidance that is no number", () => {
    const denoiser = pipeline.denoiser(prompts);
    expect(() => denoiser(x.subarray(1), 0.5)).toThrow("allowed: 15360 items.");
    const spoilt = x.slice();
    spoilt[9] = Number.NaN;
    expect(() => denoiser(spoilt, 0.5)).toThrow("is NaN; allowed: finite numbers.");
    denoiser.dispose();
    expect(() => pipeline.denoiser(prompts, { guidance: Number.NaN })).toThrow("guidance is NaN");
    expect(() => pipeline.denoiser([])).toThrow("prompts is []; allowed: at least one prompt.");
  });
});

describe("decode", () => {
  test("maps −1 to 0, 1 to 255, and what is outside to the ends", () => {
    const latents = new Float32Array(dim);
    latents.set([-1, 1, 0, -9, 9]);
    const { data, ...shape } = pipeline.decode(latents, 1);
    expect([...data.subarray(0, 5)]).toEqual([0, 255, 128, 0, 255]);
    expect(shape).toEqual({ count: 1, width: 32, height: 32 });
  });

  test("refuses NaN and other lengths", () => {
    expect(() => pipeline.decode(new Float32Array(dim).fill(Number.NaN), 1)).toThrow("latents[0] is NaN");
    expect(() => pipeline.decode(new Float32Array(5), 1)).toThrow("allowed: 3072 items.");
  });
});

test("says what it is: sizes, path, unknown words", () => {
  expect(pipeline.latentShape()).toEqual([32, 32, 3]);
  expect(() => pipeline.latentShape(64)).toThrow("size is [64,64]; allowed: 32×32.");
  expect(pipeline.path).toMatchObject({ prediction: "sample", noiseTime: 0.98, dataTime: 0 });
  expect(pipeline.unknownWords(["red zyzzyva", "quux heart"])).toEqual(["zyzzyva", "quux"]);
});

test("predict refuses a batch that is not the prompts'", () => {
  const conditioning = pipeline.encodePrompts(["sun"]);
  const x = tf.zeros([2, 32, 32, 3]);
  expect(() => pipeline.predict(x, 0.5, conditioning)).toThrow("allowed: a batch of 1, as there are prompts.");
  x.dispose();
  conditioning.dispose();
});
