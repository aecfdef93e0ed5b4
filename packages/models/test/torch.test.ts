import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { engine, type Tensor4D, tf } from "@etalon/engine";
import { readSafetensors, toFloat32 } from "@etalon/weights";
import "@etalon/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkTinyConfig } from "../src/tiny/config.ts";
import { TinyTransformer2DModel } from "../src/tiny/TinyTransformer2DModel.ts";

// The golden is torch 2.13's, by bench/peers/tiny_torch.py --golden: a model written from config and names alone, with none of this package's code.
const folder = fileURLToPath(new URL("golden/torch/", import.meta.url));
const cases = readSafetensors(`${folder}cases.safetensors`);
const values = (name: string) => toFloat32(cases.get(name));
const model = new TinyTransformer2DModel(checkTinyConfig(JSON.parse(readFileSync(`${folder}config.json`, "utf8"))));

beforeAll(async () => {
  await engine();
  model.load(`${folder}diffusion_pytorch_model.safetensors`);
});
afterAll(() => model.dispose());

const forward = () => {
  const x = tf.tensor(values("x"), [...cases.info("x").shape] as [number, number, number, number]) as Tensor4D;
  const ids = Int32Array.from(cases.get("ids").data as Int32Array);
  return model.forward({ hiddenStates: x, timestep: tf.tensor1d(values("t")), ...model.embedWords(ids) }).sample;
};

test("the forward pass is torch's", () => {
  const out = tf.tidy(() => forward().dataSync<"float32">());
  expect(out).toBeAllclose(values("out"), { atol: 5e-5, rtol: 5e-5 });
});

test("so is the gradient of every parameter, the word table's too", () => {
  const variables = model.parameters.variables;
  tf.tidy(() => {
    const weight = tf.tensor(values("weight"), [...cases.info("weight").shape]);
    const { grads } = tf.variableGrads(() => forward().mul(weight).sum().asScalar(), [...variables.values()]);
    for (const [name, variable] of variables) {
      const expected = values(`grad.${name}`);
      const actual = model.parameters.values(name, grads[variable.name]).data;
      const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      // In a single-stream block a key's bias shifts all scores of a query alike: its gradient is 0 in exact arithmetic, and rounding in either.
      const zero = /^single.*to_k\.bias$/.test(name);
      expect(actual, name).toBeAllclose(zero ? expected.map(() => 0) : expected, {
        atol: zero ? 1e-6 : 1e-4 * largest,
      });
    }
  });
});
