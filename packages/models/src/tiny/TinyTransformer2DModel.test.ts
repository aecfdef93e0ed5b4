import "@etalon/testkit";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engine, type Tensor4D, tf } from "@etalon/engine";
import { readSafetensors, writeSafetensors } from "@etalon/weights";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { smallConfig, smallInputs, smallLoss, smallModel, smallResults, uniform } from "../../test/tinyCase.ts";
import { Random } from "../random.ts";
import { parameterSpecs, tinyDefault } from "./config.ts";
import { TinyTransformer2DModel } from "./TinyTransformer2DModel.ts";

let model: TinyTransformer2DModel;

beforeAll(async () => {
  await engine();
});
afterEach(() => model.dispose());

describe("gradients", () => {
  test("agree with central differences along random directions, parameter by parameter", () => {
    model = smallModel();
    const results = smallResults(model);
    const loss = () => tf.tidy(() => smallLoss(model).dataSync()[0]);
    for (const [i, { name, shape }] of parameterSpecs(smallConfig).entries()) {
      const values = model.parameters.values(name).data;
      const gradient = results.get(`grad.${name}`)?.data as Float32Array;
      const norm = Math.hypot(...gradient);
      // Along the gradient the derivative is its norm; a random part makes the direction see every component's sign.
      const noise = uniform(values.length, 0.3 / Math.sqrt(values.length), new Random(11, i));
      const direction = gradient.map((g, j) => g / norm + noise[j]);
      const predicted = direction.reduce((sum, d, j) => sum + d * gradient[j], 0);
      const step = 5e-3;
      const at = (sign: number) => {
        model.parameters.add(
          { name, shape },
          values.map((value, j) => value + sign * step * direction[j]),
        );
        return loss();
      };
      const measured = (at(1) - at(-1)) / (2 * step);
      at(0);
      const allowed = 0.01 * Math.abs(predicted) + 2e-3; // a key's bias has no effect, so no gradient: what is measured there is rounding
      expect(Math.abs(measured - predicted), `${name}: ${measured}, gradient says ${predicted}`).toBeLessThan(allowed);
    }
  });

  test("leave out what is frozen, without a change of the others", () => {
    model = smallModel();
    const all = smallResults(model).get("grad.proj_out.weight")?.data as Float32Array;
    for (const [name, variable] of model.parameters.variables) variable.trainable = name === "proj_out.weight";
    const { variables } = model.parameters;
    const { value, grads } = tf.variableGrads(() => smallLoss(model).asScalar());
    expect(Object.keys(grads)).toEqual([variables.get("proj_out.weight")?.name]);
    expect(
      model.parameters.values("proj_out.weight", grads[model.parameters.get("proj_out.weight").name]).data,
    ).toBeAllclose(all, { rtol: 1e-5, atol: 1e-5 });
    tf.dispose([value, ...Object.values(grads)]);
  });
});

test("predicts zero before any training, whatever it is given", () => {
  model = new TinyTransformer2DModel(smallConfig).initialise(0);
  const sample = tf.tidy(() => model.forward(smallInputs(model)).sample.abs().max().dataSync()[0]);
  expect(sample).toBe(0);
});

test("initial weights depend on the seed alone", () => {
  model = new TinyTransformer2DModel(smallConfig).initialise(4);
  const first = model.parameters.values("x_embedder.weight").data;
  model.initialise(4);
  expect(model.parameters.values("x_embedder.weight").data).toEqual(first);
  model.initialise(5);
  expect(model.parameters.values("x_embedder.weight").data).not.toEqual(first);
});

test("a sample's prediction does not depend on its batch", () => {
  model = smallModel();
  const [together, alone] = tf.tidy(() => {
    const { hiddenStates, timestep, words, pooled } = smallInputs(model);
    const one = { hiddenStates: hiddenStates.slice([1, 0, 0, 0], [1, -1, -1, -1]), timestep: timestep.slice(1, 1) };
    const rest = { words: words.slice([1, 0, 0], [1, -1, -1]), pooled: pooled.slice([1, 0], [1, -1]) };
    return [model.forward({ hiddenStates, timestep, words, pooled }), model.forward({ ...one, ...rest })].map(
      ({ sample }) => sample.dataSync<"float32">().slice(),
    );
  });
  expect(alone).toBeAllclose(together.subarray(192, 384), { atol: 1e-5 });
});

test("the order of words matters, padding counts once, and a word's embedding reaches the picture", () => {
  model = smallModel();
  const predict = (ids: number[]) =>
    tf.tidy(() => {
      const inputs = smallInputs(model);
      const words = model.embedWords(Int32Array.from([...ids, ...ids, ...ids]));
      return model
        .forward({ ...inputs, ...words })
        .sample.dataSync<"float32">()
        .slice();
    });
  expect(predict([4, 7, 0])).not.toEqual(predict([7, 4, 0]));
  expect(predict([4, 7, 0])).not.toEqual(predict([4, 8, 0]));
});

test("writes weights under diffusers' names in torch's layout, and reads them back", () => {
  model = smallModel();
  const folder = mkdtempSync(join(tmpdir(), "etalon-"));
  try {
    const file = join(folder, "weights.safetensors");
    const before = smallResults(model).get("sample")?.data as Float32Array;
    model.parameters.save(file, "F32");
    const stored = readSafetensors(file);
    expect(stored.info("transformer_blocks.0.ff.net.0.proj.weight").shape).toEqual([32, 16]);
    expect(stored.info("single_transformer_blocks.1.proj_out.weight").shape).toEqual([16, 48]);
    const other = smallModel(9).load(file);
    expect(smallResults(other).get("sample")?.data).toEqual(before);
    model.parameters.save(file, "F16");
    expect(smallResults(other.load(file)).get("sample")?.data).toBeAllclose(before, { atol: 2e-2 });
    other.dispose();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("refuses a weight file that lacks a parameter, or has one of another shape or that is not finite, and keeps its own", () => {
  model = smallModel();
  const folder = mkdtempSync(join(tmpdir(), "etalon-"));
  try {
    const file = join(folder, "weights.safetensors");
    const before = smallResults(model).get("sample")?.data as Float32Array;
    writeSafetensors(file, { "pos_embed.weight": { dtype: "F32", shape: [1], data: Float32Array.of(1) } });
    expect(() => model.load(file)).toThrow("word_embedder.weight is nothing; allowed: [11,6].");
    writeSafetensors(file, { stranger: { dtype: "F32", shape: [1], data: Float32Array.of(1) } });
    expect(() => model.load(file)).toThrow("stranger is a tensor; allowed: none.");
    model.parameters.save(file, "F32");
    const stored = readSafetensors(file);
    const own = Object.fromEntries(stored.names.map((name) => [name, stored.get(name)]));
    (own["pos_embed.weight"].data as Float32Array)[1] = Number.POSITIVE_INFINITY;
    writeSafetensors(file, own);
    expect(() => model.load(file)).toThrow('tensor "pos_embed.weight" is NaN or infinite at [0, 1]');
    expect(smallResults(model).get("sample")?.data).toEqual(before);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("refuses a picture of another size", () => {
  model = smallModel();
  const inputs = smallInputs(model);
  expect(() => model.forward({ ...inputs, hiddenStates: tf.zeros([3, 4, 4, 3]) as Tensor4D })).toThrow(
    "hiddenStates is [3,4,4,3]; allowed: [batch, 8, 8, 3].",
  );
  tf.dispose(Object.values(inputs));
});

test("the default has 3 434 304 parameters", () => {
  model = smallModel();
  const specs = parameterSpecs({ ...tinyDefault, vocab_size: 3436 });
  expect(specs.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)).toBe(3_434_304);
});
