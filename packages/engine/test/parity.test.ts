import type { Tensor } from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { engine, installedEngines, tf } from "../src/index.ts";
import { type Case, cases, values } from "./cases.ts";
import { gradients } from "./reference.ts";

// The fused operations and their gradients on every engine found here, beside each other and a float64 reference: to 1e-5 of the largest value of each array.
// With ETALON_TFJS_NODE set tfjs-node is among them; native beside wasm always.
const names = installedEngines().filter((name) => name !== "tfjs-node-gpu"); // found does not mean that a GPU works
const allowed = 1e-5;

/** A case's output and the gradient of each input, as the engine that runs gives them. */
function run([, shapes, op]: Case): Float32Array[] {
  const made = tf.tidy(() => {
    const inputs = shapes.map((shape, i) => tf.tensor(values(tf.util.sizeFromShape(shape), i), shape));
    const y = op(...inputs);
    const dy = tf.tensor(values(y.size, 99), y.shape);
    return [y.clone(), ...tf.grads(op)(inputs, dy)];
  });
  return read(made);
}

function read(tensors: Tensor[]): Float32Array[] {
  const data = tensors.map((tensor) => Float32Array.from(tensor.dataSync()));
  tf.dispose(tensors);
  return data;
}

/** The same in float64: the gradients by central differences. */
function truth([, shapes, , reference]: Case): Float64Array[] {
  const inputs = shapes.map((shape, i) => ({
    shape,
    data: Float64Array.from(values(tf.util.sizeFromShape(shape), i)),
  }));
  const y = reference(...inputs).data;
  return [y, ...gradients(reference, inputs, values(y.length, 99))];
}

/** The largest difference, as a share of the largest value. */
function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let [largest, difference] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]));
    const apart = Math.abs(actual[i] - expected[i]);
    difference = Number.isNaN(apart) ? Infinity : Math.max(difference, apart);
  }
  return difference === 0 ? 0 : difference / largest;
}

const results = new Map<string, Float32Array[][]>();

beforeAll(async () => {
  for (const name of names) {
    await engine(name);
    results.set(name, cases.map(run));
  }
});

test("native and wasm are compared wherever the addon is, tfjs-node wherever ETALON_TFJS_NODE names it", () => {
  expect(names).toContain("wasm");
  if (process.env.ETALON_TFJS_NODE) expect(names).toContain("tfjs-node");
  expect([...results.keys()]).toEqual(names);
});

describe.each(cases.map((one, at) => [one[0], at] as const))("%s", (_, at) => {
  const arrays = (name: string) => (results.get(name) as Float32Array[][])[at];

  test.each(names)("%s gives the float64 reference's values and gradients to 1e-5", (name) => {
    const expected = truth(cases[at]);
    // An input whose gradient is 0 in exact arithmetic has rounding there: measured by the output's size.
    const scale = Math.max(...expected[0].map(Math.abs));
    for (const [i, values] of arrays(name).entries()) {
      const size = Math.max(...expected[i].map(Math.abs));
      const error = size < 1e-6 * scale ? distance([...values, scale], [...expected[i], scale]) : distance(values, expected[i]); // biome-ignore format: one thought
      expect(error, `array ${i}`).toBeLessThanOrEqual(allowed);
    }
  });

  test.each(names.slice(1).map((name) => [names[0], name]))("%s and %s agree to 1e-5", (one, other) => {
    for (const [i, values] of arrays(one).entries()) expect(distance(values, arrays(other)[i]), `array ${i}`).toBeLessThanOrEqual(allowed); // biome-ignore format: one thought
  });
});
