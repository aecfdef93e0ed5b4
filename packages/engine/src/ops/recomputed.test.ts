import "@etalon/testkit";
import type { Tensor, Variable } from "@tensorflow/tfjs";
import { expect, test } from "vitest";
import { started } from "../../test/startEngine.ts";
import { linear, recomputed, tf } from "../index.ts";

const w = tf.variable(tf.tensor2d([0.5, -1, 2, 0.25], [2, 2]));
const v = tf.variable(tf.tensor2d([1, 0.5, -0.5, 1], [2, 2]));
const frozen = tf.variable(tf.ones([2, 2]), false);
let runs = 0;
const layer = (weight: Variable) => (x: Tensor) => {
  runs++;
  return linear(linear(x, weight as never, undefined, "silu"), frozen as never).add(x);
};

function results(wrap: boolean) {
  const run = (weight: Variable, x: Tensor) => (wrap ? recomputed(layer(weight), [x], [weight]) : layer(weight)(x));
  return tf.tidy(() => {
    const x = tf.tensor2d([1, -2, 0.5, 3, 0.1, 0.2], [3, 2]);
    const { value, grads } = tf.variableGrads(() => run(v, run(w, run(w, x))).square().sum().asScalar(), [w, v]); // biome-ignore format: one thought
    return [value, grads[w.name], grads[v.name]].map((tensor) => Array.from(tensor.dataSync()));
  });
}

test(`recomputed on ${started.name}: the same values and gradients, of blocks in a row and of one used twice`, () => {
  const kept = results(false);
  runs = 0;
  const again = results(true);
  expect(runs).toBe(6); // three blocks, forward and once more
  for (const [i, values] of again.entries()) expect(values).toBeAllclose(kept[i], { rtol: 1e-6, atol: 1e-6 });
});

test("keeps nothing of a block but its inputs, and leaves no tensor behind", () => {
  const before = tf.memory().numTensors;
  results(true);
  expect(tf.memory().numTensors).toBe(before);
  const within = (wrap: boolean) => {
    let most = 0;
    const many = (x: Tensor) => Array.from({ length: 20 }).reduce<Tensor>((y) => y.sin(), x);
    tf.tidy(() => {
      const f = (x: Tensor) => {
        const y = wrap ? recomputed(many, [x]) : many(x);
        most = tf.memory().numTensors;
        return y.sum();
      };
      tf.grad(f)(tf.ones([4]));
    });
    return most - before;
  };
  expect(within(true)).toBeLessThan(10);
  expect(within(false)).toBeGreaterThan(20);
});

test("without a gradient it is a tidy of its own", () => {
  const before = tf.memory().numTensors;
  const out = recomputed((x) => x.sin().cos().exp(), [tf.ones([2])]);
  expect(tf.memory().numTensors).toBe(before + 2);
  out.dispose();
});
