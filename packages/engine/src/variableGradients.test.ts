import type { Tensor, Tensor2D, Variable } from "@tensorflow/tfjs";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { engine } from "./engine.ts";
import { linear } from "./ops/linear.ts";
import { recomputed } from "./ops/recomputed.ts";
import { silu } from "./ops/silu.ts";
import { tf } from "./tf.ts";
import { variableGradients } from "./variableGradients.ts";

beforeAll(() => engine());
afterEach(() => tf.disposeVariables());

const draw = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, "float32", seed);
const variable = (shape: number[], seed: number) => tf.tidy(() => tf.variable(draw(shape, seed)));

/** Losses of variables a, b [4, 4], one that is not used, and x. */
const losses = {
  "fused operations, a variable read twice": (a, b, x) => silu(linear(linear(x, a as never), b as never)).add(linear(x, a as never)).square().mean(),
  "an operation that hands its gradient on": (a, b) => a.add(b).add(a).reshape([16]).sum(),
  "a sum of one tensor and itself": (a, b) => {
    const product = tf.matMul(a, b);
    return product.add(product).mul(product).sum();
  },
  "several outputs, one of them unused": (a, b) => tf.split(tf.concat([a, b], 1), 4, 1)[1].mul(tf.unstack(b)[2].reshape([4, 1])).sum(),
  "a part that is computed again": (a, b, x) => recomputed((given) => linear(silu(linear(given, a as never)), b as never), [x], [a, b]).square().sum(),
  "a branch that leads nowhere": (a, b) => {
    a.exp().sum();
    return b.square().sum();
  },
} satisfies Record<string, (a: Variable, b: Variable, x: Tensor) => Tensor>; // biome-ignore format: a table

describe("variableGradients", () => {
  test.each(Object.entries(losses))("%s: tf.variableGrads' bits, and nothing stays", async (_, loss) => {
    const [a, b, unused, x] = [variable([4, 4], 1), variable([4, 4], 2), variable([2], 3), draw([3, 4], 4)];
    const f = () => loss(a as never, b as never, x as never).asScalar();
    const want = tf.variableGrads(f, [a, b, unused]);
    const before = tf.memory();
    const { value, gradients } = variableGradients(f, new Map(Object.entries({ a, b, unused })));
    expect(await value.data()).toEqual(await want.value.data());
    const wanted = Object.entries({ a, b, unused }).filter(([, { name }]) => want.grads[name] != null);
    expect(Object.keys(gradients)).toEqual(wanted.map(([name]) => name));
    for (const [name, { name: id }] of wanted) {
      expect(await gradients[name].data(), name).toEqual(await want.grads[id].data());
    }
    tf.dispose([value, gradients]);
    expect(tf.memory().numTensors).toBe(before.numTensors);
    tf.dispose([want.value, want.grads, x]);
  });

  test("what was saved and the gradients of activations are freed on the way back", () => {
    const [a, x] = [variable([64, 64], 1), draw([64, 64], 2)];
    const live: number[] = [];
    const watched = tf.customGrad((...args) => {
      const [given] = args as Tensor[];
      const gradFunc = (dy: Tensor) => {
        live.push(tf.memory().numTensors);
        return [dy.clone()];
      };
      return { value: given.clone(), gradFunc };
    });
    const loss = () => {
      let sum: Tensor = linear(x as Tensor2D, a as never);
      for (let i = 0; i < 8; i++) sum = watched(silu(sum));
      return sum.mean().asScalar();
    };
    const { value, gradients } = variableGradients(loss, new Map([["a", a]]));
    tf.dispose([value, gradients, x]);
    expect(live).toHaveLength(8);
    for (const [i, count] of live.slice(1).entries()) expect(count).toBeLessThan(live[i]);
  });

  test("what throws leaves no tensor: a loss of another shape, one that no variable changes, a gradient that fails", () => {
    const variables = new Map([["a", variable([2, 2], 1)]]);
    const a = variables.get("a") as Variable;
    const broken = tf.customGrad((...args) => ({
      value: (args[0] as Tensor).square(),
      gradFunc: () => {
        throw new Error("on the way back");
      },
    }));
    const before = tf.memory().numTensors;
    const run = (loss: () => Tensor) => () => variableGradients(loss, variables);
    expect(run(() => a.square())).toThrow('loss is "float32 [2,2]"; allowed: float32 [].');
    expect(run(() => tf.scalar(1))).toThrow('loss is "one that no variable changes"');
    expect(run(() => broken(silu(a)).sum())).toThrow("on the way back");
    expect(run(() => {
      throw new Error("on the way there");
    })).toThrow("on the way there"); // biome-ignore format: one thought
    expect(run(() => variableGradients(() => a.sum(), variables).value)).toThrow("Gradients within gradients");
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose(run(() => a.square().sum())()); // the tape is whole again
  });
});
