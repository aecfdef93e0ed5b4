import type { Tensor, Variable } from "@tensorflow/tfjs";
import { describe, expect, test } from "vitest";
import { cases, values } from "../../test/cases.ts";
import { started } from "../../test/startEngine.ts";
import { streamCases } from "../../test/streamCases.ts";
import { AdamW, clipGlobalNorm, Ema, EtalonError, linear, recomputed, type Tensor2D, tf } from "../index.ts";

const disposed = /was disposed; allowed: a tensor that is alive\.$/;

function errorOf(run: () => unknown): EtalonError {
  try {
    run();
  } catch (error) {
    expect(EtalonError.is(error), String(error)).toBe(true);
    return error as EtalonError;
  }
  return expect.unreachable("nothing was thrown");
}

// A clone keeps the values of what was disposed: the memory is still there, and only the tensor itself says that it is gone.
const known = cases.filter(([name]) => !name.startsWith("resizeBilinear")); // that one is tfjs's own
describe.each(known)(`a disposed tensor is refused by name on ${started.name}: %s`, (name, shapes, op) => {
  const reached = streamCases.some(([other]) => other === name) ? 2 : shapes.length; // the others go through a product of the case's own first
  test.each(shapes.slice(0, reached).map((_, i) => i))("input %d", (i) => {
    tf.tidy(() => {
      const inputs = shapes.map((shape, at) => tf.tensor(values(tf.util.sizeFromShape(shape), at), shape));
      inputs[i].clone();
      inputs[i].dispose();
      for (const run of [() => op(...inputs), () => tf.tidy(() => tf.variableGrads(() => op(...inputs).sum().asScalar(), [tf.variable(tf.scalar(1))]))]) {
        const error = errorOf(run);
        expect(error.code).toBe("BAD_TYPE");
        expect(error.message).toMatch(disposed);
        expect(error.detail.argument).toMatch(/\w/);
      }
    });
  }); // biome-ignore format: long lines
});

test("recomputed refuses inputs and variables that were disposed", () => {
  const [x, v] = [tf.ones([2]), tf.variable(tf.ones([2]))];
  v.dispose();
  expect(errorOf(() => recomputed((a) => a, [x], [v])).message).toBe(`variable ${v.name} was disposed; allowed: a tensor that is alive.`);
  x.dispose();
  expect(errorOf(() => recomputed((a) => a, [x])).message).toBe("inputs[0] was disposed; allowed: a tensor that is alive.");
}); // biome-ignore format: long lines

describe("who updates variables writes nothing where one was disposed", () => {
  const make = () => {
    const initial = [tf.tensor1d([1, 1]), tf.tensor1d([2, 2])];
    const variables = new Map(["a", "b"].map((name, i): [string, Variable] => [name, tf.variable(initial[i])]));
    return { initial, variables, a: variables.get("a") as Variable, b: variables.get("b") as Variable };
  };
  const gradients = () => ({ a: tf.tensor1d([1, 1]), b: tf.tensor1d([1, 1]) });

  test("AdamW: a variable", () => {
    const { initial, variables, a, b } = make();
    const optimiser = new AdamW(variables, { learningRate: 0.5 });
    const state = [...optimiser.state()];
    b.dispose();
    expect(errorOf(() => optimiser.step(gradients())).message).toBe("variable b was disposed; allowed: a tensor that is alive.");
    expect(Array.from(initial[1].dataSync())).toEqual([2, 2]); // it shared the variable's values
    expect(Array.from(a.dataSync())).toEqual([1, 1]);
    expect([...optimiser.state()]).toEqual(state);
    optimiser.step({ a: tf.tensor1d([1, 1]) }); // what has no gradient is not asked for
    expect(a.dataSync()[0]).toBeLessThan(1);
    expect(() => new AdamW(variables, { learningRate: 0.5 })).toThrow("variable b was disposed");
  });

  test("AdamW: a gradient, and an optimiser that was disposed", () => {
    const { variables, a } = make();
    const optimiser = new AdamW(variables, { learningRate: 0.5 });
    const given = gradients();
    given.b.clone();
    given.b.dispose();
    expect(errorOf(() => optimiser.step(given)).message).toBe("gradient b was disposed; allowed: a tensor that is alive.");
    expect([Array.from(a.dataSync()), optimiser.steps]).toEqual([[1, 1], 0]);
    const state = optimiser.state();
    optimiser.dispose();
    for (const run of [() => optimiser.step(gradients()), () => optimiser.state(), () => optimiser.load(state)])
      expect(errorOf(run).message).toBe("optimiser's moment of a was disposed; allowed: a tensor that is alive.");
    expect(Array.from(a.dataSync())).toEqual([1, 1]);
  });

  test("Ema", () => {
    const { variables, b } = make();
    const ema = new Ema(variables, 0.9);
    b.dispose();
    expect(errorOf(() => ema.step(5)).message).toBe("variable b was disposed; allowed: a tensor that is alive.");
    expect([...ema.averages.values()].map((average) => average.dataSync()[0])).toEqual([1, 2]);
    expect(() => new Ema(variables, 0.9)).toThrow("variable b was disposed");
    const other = make();
    const moved = new Ema(other.variables, 0.9);
    other.a.assign(tf.tensor1d([9, 9]));
    moved.averages.get("b")?.dispose();
    expect(errorOf(() => moved.step(5)).message).toBe("average of b was disposed; allowed: a tensor that is alive.");
    expect(moved.averages.get("a")?.dataSync()[0]).toBe(1);
  });

  test("clipGlobalNorm", () => {
    const given = gradients();
    given.b.clone();
    given.b.dispose();
    expect(errorOf(() => clipGlobalNorm(given, 1)).message).toBe("gradient b was disposed; allowed: a tensor that is alive.");
  });
}); // biome-ignore format: long lines

test("what is disposed between forward and backward is no harm: the gradient has its own hold on the values", () => {
  const [x, w] = [tf.tensor2d(values(6, 1), [2, 3]), tf.tensor2d(values(12, 2), [3, 4])];
  const f = (a: Tensor, b: Tensor) => linear(a, b as Tensor2D, undefined, "gelu");
  const expected = tf
    .grads(f)([x, w])
    .map((gradient) => Array.from(gradient.dataSync()));
  const [first, second] = [x.clone(), w.clone()];
  const late = tf.grads((a, b) => {
    const y = f(a, b);
    first.dispose();
    second.dispose();
    return y;
  })([first, second]);
  expect(late.map((gradient) => Array.from(gradient.dataSync()))).toEqual(expected);
});

test.skipIf(started.name !== "native")("tfjs's own operations take one whose values a clone keeps, as some of tfjs's gradients need, and refuse one without", () => {
  const x = tf.tensor1d(values(16, 1));
  const clone = x.clone();
  x.dispose();
  const expected = tf.add(clone, 1).dataSync();
  expect(tf.add(x, 1).dataSync()).toEqual(expected);
  const logSigmoid = tf.grad((a) => tf.logSigmoid(a.clone()).clone()); // reads its input when that was disposed
  const slope = values(16, 1).map((value) => 1 / (1 + Math.exp(value)));
  for (const [i, found] of logSigmoid(clone).dataSync().entries()) expect(found).toBeCloseTo(slope[i], 6);
  clone.dispose();
  expect(errorOf(() => tf.add(x, 1)).message).toContain("allowed: a tensor that is alive");
}); // biome-ignore format: long lines
