import "@etalon/testkit";
import type { Tensor } from "@tensorflow/tfjs";
import { expect, test } from "vitest";
import { started } from "../../test/startEngine.ts";
import { AdamW, clipFactor, clipGlobalNorm, Ema, tf } from "../index.ts";

const names = ["a", "b"];
const shapes: Record<string, number[]> = { a: [3, 5], b: [7] };
const sizes: Record<string, number> = { a: 15, b: 7 };
const wave = (name: string, step: number) =>
  Float32Array.from({ length: sizes[name] }, (_, i) => Math.cos(3.7 * i + step) * (name === "b" ? 1e-3 : 1));

const makeVariables = () => new Map(names.map((n) => [n, tf.variable(tf.tensor(wave(n, 100), shapes[n]))] as const));
const makeGradients = (step: number) => Object.fromEntries(names.map((n) => [n, tf.tensor(wave(n, step), shapes[n])]));
const options = { learningRate: 0.01, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1 };

test(`AdamW does on ${started.name} what torch.optim.AdamW's formula does in float64, 20 steps`, () => {
  const variables = makeVariables();
  const optimiser = new AdamW(variables, options);
  const truth = new Map(
    names.map((n) => [n, { w: [...wave(n, 100)], m: wave(n, 0).map(() => 0), v: wave(n, 0).map(() => 0) }]),
  );
  for (let step = 1; step <= 20; step++) {
    const gradients = makeGradients(step);
    optimiser.step(gradients);
    tf.dispose(gradients);
    for (const [name, { w, m, v }] of truth) {
      for (const [i, g] of wave(name, step).entries()) {
        w[i] *= 1 - 0.01 * 0.1;
        m[i] = 0.9 * m[i] + 0.1 * g;
        v[i] = 0.99 * v[i] + 0.01 * g * g;
        w[i] -= (0.01 * (m[i] / (1 - 0.9 ** step))) / (Math.sqrt(v[i] / (1 - 0.99 ** step)) + 1e-8);
      }
    }
  }
  for (const [name, { w }] of truth) expect(variables.get(name)?.dataSync()).toBeAllclose(w, { atol: 2e-6 });
  expect(optimiser.steps).toBe(20);
});

test("an optimiser that takes back its state goes on bit for bit, and 50 updates leave no tensor", () => {
  const [straight, resumed] = [makeVariables(), makeVariables()];
  const one = new AdamW(straight, options);
  let two = new AdamW(resumed, options);
  const update = (optimiser: AdamW, step: number) => {
    const gradients = makeGradients(step);
    optimiser.step(gradients, 0.01 / step);
    tf.dispose(gradients);
  };
  const before = tf.memory().numTensors;
  for (let step = 1; step <= 50; step++) {
    update(one, step);
    update(two, step);
    if (step % 20 === 0) {
      const state = two.state();
      two.dispose();
      two = new AdamW(resumed, options);
      two.load(state);
    }
  }
  expect(tf.memory().numTensors).toBe(before);
  for (const name of names) expect(resumed.get(name)?.dataSync()).toEqual(straight.get(name)?.dataSync());
});

test("a variable without a gradient stays; a wrong gradient or a NaN rate changes nothing", () => {
  const variables = makeVariables();
  const optimiser = new AdamW(variables, options);
  const { a } = makeGradients(1);
  optimiser.step({ a });
  expect(variables.get("b")?.dataSync()).toEqual(wave("b", 100));
  const now = variables.get("a")?.dataSync();
  expect(() => optimiser.step({ a, b: a })).toThrow("shape of gradient b is [3,5]; allowed: [7].");
  expect(() => optimiser.step({ a }, Number.NaN)).toThrow("learningRate is NaN");
  expect(variables.get("a")?.dataSync()).toEqual(now);
  expect(optimiser.steps).toBe(1);
});

test("state: names and shapes; a cut one is refused and changes nothing", () => {
  const optimiser = new AdamW(makeVariables(), options);
  const state = optimiser.state();
  expect([...state].map(([name, { shape }]) => [name, shape])).toEqual([
    ["step", [1]],
    ["exp_avg.a", [3, 5]],
    ["exp_avg_sq.a", [3, 5]],
    ["exp_avg.b", [7]],
    ["exp_avg_sq.b", [7]],
  ]);
  state.set("step", { shape: [1], data: Float32Array.of(9) });
  state.delete("exp_avg_sq.b");
  expect(() => optimiser.load(state)).toThrow("optimizer state exp_avg_sq.b is undefined; allowed: 7 values.");
  expect(optimiser.steps).toBe(0);
});

test.each([
  ["learningRate", Number.NaN],
  ["beta1", 1],
  ["beta2", -0.1],
  ["epsilon", 0],
  ["weightDecay", -1],
])("AdamW refuses %s = %d", (name, value) => {
  expect(() => new AdamW(new Map(), { learningRate: 1, [name]: value })).toThrow(`${name} is ${value}`);
});

test("clipGlobalNorm scales to the norm, leaves what is below it, refuses NaN and infinity", () => {
  const gradients = { a: tf.tensor1d([3, 0]), b: tf.tensor2d([[0], [4]]) };
  const before = tf.memory().numTensors;
  const clipped = clipGlobalNorm(gradients, 1);
  expect(clipped.norm).toBe(5);
  expect(clipped.gradients.a.dataSync()).toBeAllclose([0.6, 0], { rtol: 1e-6 });
  expect(clipped.gradients.b.dataSync()).toBeAllclose([0, 0.8], { rtol: 1e-6 });
  expect(clipGlobalNorm(gradients, 6).gradients.b.dataSync()).toEqual(Float32Array.of(0, 4));
  expect(tf.memory().numTensors).toBe(before + 4);
  for (const bad of [Number.NaN, Infinity]) {
    expect(() => clipGlobalNorm({ a: tf.scalar(bad) as Tensor }, 1)).toThrow("norm of the gradients is");
  }
  expect(() => clipGlobalNorm(gradients, 0)).toThrow("max is 0");
});

test.each([0.3, 100])("a norm cut to %d in the optimiser's own pass gives the bits of gradients that were cut before", (max) => {
  const [once, twice] = [makeVariables(), makeVariables()];
  const [one, two] = [new AdamW(once, options), new AdamW(twice, options)];
  const before = tf.memory().numTensors;
  for (let step = 1; step <= 5; step++) {
    const gradients = makeGradients(step);
    const { factor, norm } = clipFactor(gradients, max);
    expect(factor < 1).toBe(max < 1);
    one.step(gradients, 0.01, factor);
    const cut = clipGlobalNorm(gradients, max);
    expect(cut.norm).toBe(norm);
    two.step(cut.gradients, 0.01);
    tf.dispose([gradients, cut.gradients]);
  }
  expect(tf.memory().numTensors).toBe(before);
  for (const name of names) {
    expect(once.get(name)?.dataSync()).toEqual(twice.get(name)?.dataSync());
    expect(once.get(name)?.dataSync()).not.toEqual(wave(name, 100));
  }
  expect([...one.state()]).toEqual([...two.state()]);
  expect(() => one.step(makeGradients(6), 0.01, Number.NaN)).toThrow("gradientScale is NaN");
  expect(one.steps).toBe(5);
}); // biome-ignore format: long lines

test("Ema follows at min(decay, (1 + steps)/(10 + steps)) and leaves no tensor", () => {
  const x = tf.variable(tf.scalar(1));
  const before = tf.memory().numTensors;
  const ema = new Ema(new Map([["x", x]]), 0.9);
  x.assign(tf.tidy(() => tf.scalar(2)));
  const assigned = tf.memory().numTensors;
  ema.step(1);
  expect(ema.averages.get("x")?.dataSync()[0]).toBeCloseTo((2 / 11) * 1 + (9 / 11) * 2, 6);
  ema.step(1_000_000);
  expect(ema.averages.get("x")?.dataSync()[0]).toBeCloseTo(0.9 * (20 / 11) + 0.1 * 2, 6);
  expect(tf.memory().numTensors).toBe(assigned);
  ema.dispose();
  expect(tf.memory().numTensors).toBeLessThanOrEqual(before + 1);
  expect(() => new Ema(new Map(), 1)).toThrow("decay is 1");
  expect(() => ema.step(Number.NaN)).toThrow("steps is NaN");
});
