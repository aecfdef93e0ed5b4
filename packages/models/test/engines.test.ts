import { fileURLToPath } from "node:url";
import { AdamW, clipGlobalNorm, engine, installedEngines, tf } from "@etalon/engine";
import { setThreads } from "@etalon/native";
import { readSafetensors, toFloat32 } from "@etalon/weights";
import { beforeAll, describe, expect, test } from "vitest";
import { loadPipeline } from "../src/loadPipeline.ts";
import type { TinyPipeline } from "../src/tiny/TinyPipeline.ts";

// A training step of the shipped model (forward, gradients, clip, AdamW) on every engine found here, beside each other and beside float64, which is torch's, by
// bench/peers/tiny_torch.py --float64. All to 1e-5 of the largest value of each array. With ETALON_TFJS_NODE set tfjs-node is among the engines.
const names = installedEngines().filter((name) => name !== "tfjs-node-gpu"); // found does not mean that a GPU works
const allowed = 1e-5;
const batch = 2;
const file = readSafetensors(fileURLToPath(new URL("golden/tinyFloat64.safetensors", import.meta.url)));
const golden = (name: string) => toFloat32(file.get(name));
type Arrays = Map<string, Float32Array>;

/** As tiny_torch.py's: the same bits in both. */
const wave = (shape: [number, number, number, number], step: number) => tf.tensor4d(Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => ((i * step) % 2048) / 1024 - 1), shape); // biome-ignore format: one thought

async function trainingStep(): Promise<Arrays> {
  const pipeline = (await loadPipeline("tiny")) as TinyPipeline;
  const { transformer } = pipeline.model;
  const variables = new Map([...transformer.parameters.variables].filter(([name]) => name !== "word_embedder.weight"));
  const [height, width, channels] = pipeline.latentShape();
  const shape: [number, number, number, number] = [batch, height, width, channels];
  const ids = Int32Array.from(file.get("ids").data as Int32Array);
  const forward = () =>
    transformer.forward({
      hiddenStates: wave(shape, 7919),
      timestep: tf.tensor1d([0.75, 0.125]),
      ...transformer.embedWords(ids),
    }).sample;
  const arrays: Arrays = new Map();
  const keep = (name: string, values: Float32Array) => arrays.set(name, Float32Array.from(values));
  const out = tf.tidy(forward);
  keep("out", out.dataSync<"float32">());
  const { value, grads } = tf.variableGrads(() => forward().mul(wave(shape, 104729)).mean().asScalar(), [...variables.values()]); // biome-ignore format: one thought
  const gradients = Object.fromEntries([...variables].map(([name, variable]) => [name, grads[variable.name]]));
  for (const [name, gradient] of Object.entries(gradients)) keep(`grad.${name}`, transformer.parameters.values(name, gradient).data); // biome-ignore format: one thought
  const half = golden("norm")[0] / 2;
  const cut = clipGlobalNorm(gradients, half);
  keep("norm", Float32Array.of(cut.norm));
  const optimiser = new AdamW(variables, { learningRate: 1e-3, epsilon: 1e-6, weightDecay: 0.01 });
  optimiser.step(cut.gradients);
  for (const name of variables.keys()) keep(`after.${name}`, transformer.parameters.values(name).data);
  optimiser.dispose();
  tf.dispose([out, value, grads, cut.gradients]);
  pipeline.dispose();
  return arrays;
}

const largest = (values: ArrayLike<number>) => Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0); // biome-ignore format: one thought

function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let most = 0;
  for (let i = 0; i < expected.length; i++) {
    const apart = Math.abs(actual[i] - expected[i]);
    most = Number.isNaN(apart) ? Infinity : Math.max(most, apart);
  }
  return most;
}

/**
 * A single-stream block's key bias shifts all scores of a query alike: its gradient is 0 in exact arithmetic, rounding in any other, and AdamW makes of it a step by its
 * sign. So it is measured by the size of its layer's weight.
 */
const sizedBy = (name: string) =>
  /^(grad|after)\.single.*to_k\.bias$/.test(name) ? name.replace(/bias$/, "weight") : name;

const every = (values: Float32Array) => {
  const stride = Math.ceil(values.length / 32);
  return values.filter((_, i) => i % stride === 0);
};

const results = new Map<string, Arrays>();

test.skipIf(!names.includes("native"))("native gives a whole training step the same bits on 1, 2 and 3 threads", async () => {
  await engine("native");
  const steps: Arrays[] = [];
  try {
    for (const threads of [1, 2, 3]) {
      setThreads(threads);
      steps.push(await trainingStep());
    }
  } finally {
    setThreads(1);
  }
  const words = (values: Float32Array) => new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (const [name, values] of steps[0]) {
    for (const [i, other] of steps.slice(1).entries()) {
      const got = words(other.get(name) as Float32Array);
      const at = words(values).findIndex((word, place) => word !== got[place]);
      expect(at, `${name} on ${i + 2} threads`).toBe(-1);
    }
  }
}); // biome-ignore format: long lines

beforeAll(async () => {
  for (const name of names) {
    await engine(name);
    results.set(name, await trainingStep());
  }
});

/** The arrays that differ by more than is allowed, with by how much. */
function far(one: Arrays, expected: (name: string) => { values: ArrayLike<number>; size: number }, taken = every) {
  const errors = [...one].map(([name, values]): [string, number] => {
    const { values: truth, size } = expected(name);
    return [name, difference(truth.length === values.length ? values : taken(values), truth) / size];
  });
  return errors.filter(([, error]) => !(error <= allowed));
}

describe("a training step of the shipped model", () => {
  test("is compared on native and wasm wherever the addon is, on tfjs-node wherever ETALON_TFJS_NODE names it", () => {
    expect(names).toContain("wasm");
    if (process.env.ETALON_TFJS_NODE) expect(names).toContain("tfjs-node");
    expect([...results.keys()]).toEqual(names);
  });

  test.each(names)("%s: output, gradients, norm and updated parameters are float64's to 1e-5", (name) => {
    const size = (key: string) => (key.startsWith("grad.") ? golden(sizedBy(key).replace(/^grad/, "most"))[0] : largest(golden(sizedBy(key)))); // biome-ignore format: one thought
    expect(far(results.get(name) as Arrays, (key) => ({ values: golden(key), size: size(key) }))).toEqual([]);
  });

  test.each(names.slice(1).map((name) => [names[0], name]))("%s and %s agree to 1e-5, value by value", (one, other) => {
    const truth = results.get(other) as Arrays;
    const of = (key: string) => truth.get(key) as Float32Array;
    expect(far(results.get(one) as Arrays, (key) => ({ values: of(key), size: largest(of(sizedBy(key))) }))).toEqual([]); // biome-ignore format: one thought
  });
});
