import "@etalon/testkit";
import { fileURLToPath } from "node:url";
import { engine, type Tensor, tf } from "@etalon/engine";
import { readSafetensors, toFloat32 } from "@etalon/weights";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { loadModel } from "../src/loadModel.ts";
import type { UNet2DConditionModel } from "../src/unet/UNet2DConditionModel.ts";
import { close, take } from "./golden.ts";

// reference/unet_options.py's values, in float64: options that the goldens of diffusers do not have, with the gradient of every weight.
const folder = (name: string) => fileURLToPath(new URL(`golden/${name}`, import.meta.url));
let model: UNet2DConditionModel;

beforeAll(async () => {
  await engine();
});
afterEach(() => model.dispose());

/** A file's tensors; pictures turned from [batch, channels, height, width] to channels last. */
function tensors(file: string) {
  const stored = readSafetensors(file);
  const values = (name: string) => {
    const tensor = stored.get(name);
    return tensor.dtype === "I64" ? Float32Array.from(tensor.data as BigInt64Array, Number) : toFloat32(tensor);
  };
  const tensor = (name: string): Tensor => {
    const made = tf.tensor(values(name), [...stored.info(name).shape]);
    return made.rank === 4 ? made.transpose([0, 2, 3, 1]) : made;
  };
  return { values, tensor };
}

/** The largest magnitude. */
const largest = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

describe.each([
  ["a", "heads, layers and transformers a level, linear projection, scale and shift, attention to the text alone, classes, odd sizes"],
  ["b", "attention at the lower level only, to the text alone, three layers a level, a picture of odd sides"],
])("unet_options_%s: %s", (letter) => {
  const place = folder(`unet_options_${letter}`);
  const cases = tensors(`${place}/cases.safetensors`);

  const forward = (sample: Tensor, encoderHiddenStates: Tensor) => {
    const classLabels = model.details.classes === undefined ? undefined : cases.tensor("class_labels");
    return model.forward({ sample, timestep: cases.tensor("timestep"), encoderHiddenStates, classLabels }).sample;
  };

  test("the output agrees with float64", async () => {
    model = await loadModel(place, { className: "UNet2DConditionModel" });
    const [out, expected] = tf.tidy(() => [forward(cases.tensor("sample"), cases.tensor("encoder_hidden_states")), cases.tensor("out").clone()]); // biome-ignore format: one thought
    expect(out.shape).toEqual(expected.shape);
    expect(take(out)).toBeAllclose(take(expected), close);
  });

  test("so does the gradient of every weight, of the sample and of the text", async () => {
    model = await loadModel(place, { className: "UNet2DConditionModel" });
    const truth = tensors(`${place}/grads.safetensors`);
    const variables = model.parameters("all");
    const found = tf.tidy(() => {
      const [sample, text, cotangent] = ["sample", "encoder_hidden_states", "cotangent"].map(cases.tensor);
      const inputs = [sample, text, ...variables.values()];
      const loss = (x: Tensor, context: Tensor) => forward(x, context).mul(cotangent).sum();
      return tf.grads((x, context) => loss(x, context))(inputs);
    });
    for (const [i, name] of ["sample", "encoder_hidden_states"].entries()) {
      const expected = take(tf.tidy(() => truth.tensor(name).clone()));
      expect(take(found[i]), name).toBeAllclose(expected, { atol: 1e-3 * largest(expected) });
    }
    let checked = 0;
    for (const [i, name] of [...variables.keys()].entries()) {
      const expected = truth.values(name);
      const { data } = model.net.parameters.inFile(name, found[i + 2]);
      expect(data, name).toBeAllclose(expected, { atol: 1e-3 * largest(expected) });
      checked++;
    }
    expect(checked).toBe(model.net.parameters.specs.size);
    tf.dispose(found);
  });
}); // biome-ignore format: long lines
