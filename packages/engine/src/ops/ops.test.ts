import "@etalon/testkit";
import type { Tensor, Tensor2D, Tensor4D } from "@tensorflow/tfjs";
import { describe, expect, test } from "vitest";
import { cases, values } from "../../test/cases.ts";
import * as reference from "../../test/reference.ts";
import { started } from "../../test/startEngine.ts";
import { adaptiveLinear, attention, combinedEmbedding, doubleStreamLayer, embedding, embedTokens, gelu, layerNorm, linear, multiHeadAttention, rope, silu, singleStreamLayer, tf, toPatches } from "../index.ts"; // biome-ignore format: one import

describe.each(cases)(`%s on ${started.name}`, (_, shapes, op, truth) => {
  const data = shapes.map((shape, i) => values(tf.util.sizeFromShape(shape), i));
  const exact = shapes.map((shape, i) => ({ shape, data: Float64Array.from(data[i]) }));
  const inputs = () => shapes.map((shape, i) => tf.tensor(data[i], shape));

  test("gives the values of the float64 reference", () => {
    const [y, shape] = tf.tidy(() => {
      const out = op(...inputs());
      return [out.dataSync(), out.shape] as const;
    });
    const expected = truth(...exact);
    expect(shape).toEqual(expected.shape);
    expect(y).toBeAllclose(expected.data, { atol: 2e-6, rtol: 2e-6 });
  });

  test("has the gradients of central differences in float64", () => {
    const out = truth(...exact);
    const dy = values(out.data.length, 99);
    const expected = reference.gradients(truth, exact, dy);
    const actual = tf.tidy(() =>
      tf
        .grads(op)(inputs(), tf.tensor(dy, out.shape))
        .map((g) => [g.shape, g.dataSync()]),
    );
    for (const [i, [shape, gradient]] of actual.entries()) {
      expect(shape).toEqual(shapes[i]);
      expect(gradient as Float32Array).toBeAllclose(expected[i], { atol: 1e-5, rtol: 1e-5 });
    }
  });

  test("leaves no tensor behind", () => {
    const before = tf.memory().numTensors;
    for (let i = 0; i < 3; i++) tf.tidy(() => void tf.grads(op)(inputs()));
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe("operations with arguments that get no gradient", () => {
  test("rope turns pairs, and its gradient turns back; heads first or side by side", () => {
    const [x, dy] = [values(48, 1), values(48, 2)];
    const angles = values(6, 3);
    const [cos, sin] = [angles.map(Math.cos), angles.map(Math.sin)];
    const truth = (input: Float32Array, sines: Float32Array) =>
      reference.rope(
        { shape: [2, 3, 8], data: Float64Array.from(input) },
        { shape: [3, 2], data: Float64Array.from(cos) },
        { shape: [3, 2], data: Float64Array.from(sines) },
      ).data;
    const [c, s] = [tf.tensor2d(cos, [3, 2]), tf.tensor2d(sin, [3, 2])];
    const f = (t: Tensor) => rope(t, c, s, 2);
    expect(f(tf.tensor(x, [2, 3, 8])).dataSync()).toBeAllclose(truth(x, sin), { atol: 1e-6 });
    const gradient = tf.grad(f)(tf.tensor(x, [2, 3, 8]), tf.tensor(dy, [2, 3, 8]));
    expect(gradient.dataSync()).toBeAllclose(
      truth(
        dy,
        sin.map((v) => -v),
      ),
      { atol: 1e-6 },
    );
    const madeInside = (t: Tensor) => rope(t, tf.tensor2d(cos, [3, 2]), tf.tensor2d(sin, [3, 2]), 2);
    const same = tf.grad(madeInside)(tf.tensor(x, [2, 3, 8]), tf.tensor(dy, [2, 3, 8]));
    expect(same.dataSync()).toEqual(gradient.dataSync());
    const heads = tf.tensor(x, [2, 3, 2, 4]).transpose([0, 2, 1, 3]);
    expect(rope(heads, c, s).transpose([0, 2, 1, 3]).dataSync()).toEqual(f(tf.tensor(x, [2, 3, 8])).dataSync());
  });

  test("embedding reads rows, its gradient sums them where they repeat", () => {
    const table = tf.tensor2d(values(15, 1), [5, 3]);
    const ids = Int32Array.of(4, 0, 4, 2);
    const rows = values(15, 1);
    const expected = [...ids].flatMap((id) => [...rows.subarray(3 * id, 3 * id + 3)]);
    expect(embedding(ids, table).dataSync()).toBeAllclose(expected, { atol: 0 });
    const dy = values(12, 2);
    const gradient = tf
      .grad((t) => embedding(ids, t as Tensor2D))(table as Tensor, tf.tensor2d(dy, [4, 3]))
      .dataSync();
    const sums = new Float32Array(15);
    for (const [row, id] of ids.entries()) for (let c = 0; c < 3; c++) sums[3 * id + c] += dy[3 * row + c];
    expect(gradient).toBeAllclose(sums, { atol: 1e-6 });
    expect(() => embedding(Int32Array.of(0, 5), table)).toThrow("ids[1] is 5; allowed: 0 to 4.");
  });
});

describe("linear and what is trained", () => {
  const frozen = tf.variable(tf.tensor2d(values(20, 1), [5, 4]), false) as unknown as Tensor2D;
  const bias = tf.variable(tf.tensor1d(values(4, 2)));
  const x = tf.variable(tf.tensor2d(values(15, 3), [3, 5]));

  test("a frozen weight gets no gradient, its trainable bias and its input do", () => {
    const { grads } = tf.variableGrads(() => linear(x, frozen, bias).square().sum().asScalar(), [bias, x]);
    const plain = tf.variableGrads(
      () =>
        tf
          .matMul(x as unknown as Tensor2D, frozen)
          .add(bias)
          .square()
          .sum()
          .asScalar(),
      [bias, x],
    );
    for (const name of [bias.name, x.name]) {
      expect(grads[name].dataSync()).toBeAllclose(plain.grads[name].dataSync(), { rtol: 1e-5, atol: 1e-5 });
    }
  });
});

describe("extremes", () => {
  test("attention with scores of ±1e4 stays finite", () => {
    const q = tf.fill([1, 1, 2, 4], 100) as Tensor4D;
    const k = tf.tensor4d([100, 100, 100, 100, -100, -100, -100, -100], [1, 1, 2, 4]);
    const v = tf.tensor4d([1, 2], [1, 1, 2, 1]);
    expect(attention(q, k, v).dataSync()).toBeAllclose([1, 1]);
  });

  test("causal attention: a query sees no key after it, and no gradient comes back from one", () => {
    const [q, k, v] = [1, 2, 3].map((seed) => tf.tensor(values(40, seed), [1, 5, 8]));
    const whole = multiHeadAttention(q, k, v, 2, true).dataSync();
    for (const rows of [1, 3, 5]) {
      const cut = (x: Tensor) => x.slice([0, 0, 0], [1, rows, 8]);
      const last = multiHeadAttention(cut(q).slice([0, rows - 1, 0], [1, 1, 8]), cut(k), cut(v), 2).dataSync();
      expect(whole.slice(8 * (rows - 1), 8 * rows)).toBeAllclose(last, { atol: 1e-6 });
    }
    const first = (a: Tensor, b: Tensor, c: Tensor) => multiHeadAttention(a, b, c, 2, true).slice([0, 0, 0], [1, 3, 8]).sum(); // biome-ignore format: one thought
    for (const gradient of tf.grads(first as never)([q, k, v])) expect(gradient.slice([0, 3, 0]).abs().max().dataSync()[0]).toBe(0); // biome-ignore format: one thought
  });

  test("silu and gelu at ±100", () => {
    expect(silu(tf.tensor1d([-100, 0, 100])).dataSync()).toBeAllclose([0, 0, 100], { atol: 1e-30 });
    expect(gelu(tf.tensor1d([-100, 0, 100])).dataSync()).toBeAllclose([0, 0, 100], { atol: 1e-30 });
  });

  test("layerNorm of a constant row is 0", () => {
    expect(layerNorm(tf.fill([2, 4], 3)).dataSync()).toBeAllclose(new Float32Array(8));
  });

  test("NaN is not hidden", () => {
    expect(linear(tf.tensor2d([[Number.NaN]]), tf.tensor2d([[1]])).dataSync()[0]).toBeNaN();
    expect(layerNorm(tf.tensor2d([[Number.NaN, 1]])).dataSync()[0]).toBeNaN();
  });
});

/** Layers of a stream of 2 columns. */
function stream() {
  const square = { w: tf.zeros([2, 2]) as Tensor2D };
  return {
    norm: { w: tf.zeros([2, 12]) as Tensor2D },
    q: square,
    k: square,
    v: square,
    out: square,
    up: square,
    down: square,
  };
}

test.each<[string, () => unknown, string]>([
  ["x", () => linear(tf.zeros([2, 3]), tf.zeros([4, 5])), "shape of x is [2,3]; allowed: [2, 4]."],
  ["b", () => linear(tf.zeros([2, 4]), tf.zeros([4, 5]), tf.zeros([4])), "shape of b is [4]; allowed: [5]."],
  ["dtype", () => linear(tf.zeros([2, 4], "int32"), tf.zeros([4, 5])), 'dtype of x is "int32"; allowed: float32.'],
  ["activation", () => linear(tf.zeros([2, 4]), tf.zeros([4, 5]), undefined, "silo" as "silu"), 'Did you mean "silu"?'],
  ["keys", () => attention(tf.zeros([1, 2, 3, 4]), tf.zeros([1, 2, 5, 6]), tf.zeros([1, 2, 5, 4])), "shape of k is [1,2,5,6]; allowed: [1, 2, any, 4]."],
  ["size of a patch", () => toPatches(tf.zeros([1, 4, 6, 1]), 4), "size of x is [4,6]; allowed: multiples of 4."],
  ["list of inputs", () => embedTokens([]), "inputs is []; allowed: at least one."],
  ["row of positions", () => embedTokens([{ x: tf.zeros([1, 2, 3]), layer: { w: tf.zeros([3, 4]) }, positions: tf.zeros([3, 4]) }]), "shape of inputs[0].positions is [3,4]; allowed: [2, 4]."],
  ["list of embeddings", () => combinedEmbedding([]), "inputs is []; allowed: at least one."],
  ["number of context rows", () => doubleStreamLayer(tf.zeros([1, 3, 2]), tf.zeros([1, 2]), { context: stream(), image: stream() }, { heads: 1, activation: "silu", contextRows: 3 }), "contextRows is 3; allowed: a whole number"],
  ["number of heads", () => doubleStreamLayer(tf.zeros([1, 3, 2]), tf.zeros([1, 2]), { context: stream(), image: stream() }, { heads: 4, activation: "silu", contextRows: 1 }), "last axis of q is 2; allowed: a multiple of 4."],
  ["stream", () => doubleStreamLayer(tf.zeros([1, 3, 2]), tf.zeros([1, 2]), { context: { ...stream(), k: { w: tf.zeros([2, 3]) } }, image: stream() }, { heads: 1, activation: "silu", contextRows: 1 }), "shape of context.k.w is [2,3]; allowed: [2, 2]."],
  ["single stream's out", () => singleStreamLayer(tf.zeros([1, 3, 2]), tf.zeros([1, 2]), { ...stream(), norm: { w: tf.zeros([2, 6]) } }, { heads: 1, activation: "silu" }), "shape of out.w is [2,2]; allowed: [4, 2]."],
  ["number of rows to skip", () => adaptiveLinear(tf.zeros([1, 3, 2]), tf.zeros([1, 2]), { norm: { w: tf.zeros([2, 4]) }, out: { w: tf.zeros([2, 2]) } }, { skip: 3 }), "skip is 3; allowed: a whole number"],
  ["epsilon", () => layerNorm(tf.zeros([2, 2]), 0), "epsilon is 0; allowed: a finite number > 0."],
])("refuses a wrong %s", (_, f, message) => expect(f).toThrow(message)); // biome-ignore format: a table
