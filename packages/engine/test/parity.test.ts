import "@etalon/testkit";
import type { Tensor } from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { clipGlobalNorm, engine, installedEngines, tf, unpack } from "../src/index.ts";
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

/** What has no gradient: its arrays on the engine that runs, and exactly. */
const finite = Uint16Array.from({ length: 4096 }, (_, i) => 16 * i + 5).filter(
  (bits) => (bits & 0x7c00) !== 0x7c00 && (bits & 0x7f80) !== 0x7f80,
); // both signs, subnormal too
const pictures = () => tf.tensor4d(values(120, 5), [1, 8, 5, 3]);
const constants: [name: string, f: () => Tensor[], exact: () => ArrayLike<number>[]][] = [
  ["unpack", () => [unpack("bf16", finite, [finite.length]), unpack("f16", finite, [finite.length])], () => [Float32Array.from(finite, fromBf16), Float64Array.from(finite, fromF16)]],
  ["gather", () => [tf.gather(pictures(), tf.tensor1d([7, 0, 7], "int32"), 1)], () => [[7, 0, 7].flatMap((row) => [...values(120, 5).subarray(15 * row, 15 * row + 15)])]],
  [
    "resizeNearestNeighbor, pixels' centres",
    () => [tf.image.resizeNearestNeighbor(pictures(), [4, 10], false, true)],
    () => [Float32Array.from({ length: 120 }, (_, i) => values(120, 5)[(2 * Math.floor(i / 30) + 1) * 15 + Math.floor((i % 30) / 6) * 3 + (i % 3)])],
  ],
  ["clipGlobalNorm", clipped, () => [[3, 4].map((v) => (v * 2.5) / (5 + 1e-6)), [5]]],
]; // biome-ignore format: a table

function fromBf16(bits: number): number {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0];
}

function fromF16(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  return (bits & 0x8000 ? -1 : 1) * (exponent ? 1024 + fraction : fraction) * 2 ** ((exponent || 1) - 25);
}

function clipped(): Tensor[] {
  const { gradients, norm } = clipGlobalNorm({ a: tf.tensor1d([3]), b: tf.tensor1d([4]) }, 2.5);
  return [tf.concat([gradients.a, gradients.b]), tf.tensor1d([norm])];
}

const results = new Map<string, Float32Array[][]>();
const ofConstants = new Map<string, Float32Array[][]>();

beforeAll(async () => {
  for (const name of names) {
    await engine(name);
    results.set(name, cases.map(run));
    ofConstants.set(
      name,
      constants.map(([, f]) => read(tf.tidy(f))),
    );
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

describe.each(constants.map(([name], at) => [name, at] as const))("%s", (_, at) => {
  test.each(names)("%s gives the exact values to 1e-6", (name) => {
    const exact = constants[at][2]();
    const arrays = (ofConstants.get(name) as Float32Array[][])[at];
    expect(arrays).toHaveLength(exact.length);
    for (const [i, values] of arrays.entries()) expect(values).toBeAllclose(exact[i], { rtol: 1e-6 });
  });
});
