import "@etalon/testkit";
import type { Tensor, Tensor4D } from "@tensorflow/tfjs";
import { describe, expect, test } from "vitest";
import { started } from "../../test/startEngine.ts";
import { conv2d, tf } from "../index.ts";

type Pad = [number, number, number, number];

/** The sum written out in float64. */
function plain(x: Tensor, filter: Tensor, bias: ArrayLike<number>, stride: number, [top, bottom, left, right]: Pad) {
  const [batch, height, width, inputs] = x.shape as number[];
  const [rows, columns, , outputs] = filter.shape as number[];
  const [h, w] = [Math.floor((height + top + bottom - rows) / stride) + 1, Math.floor((width + left + right - columns) / stride) + 1]; // biome-ignore format: one thought
  const [xs, fs] = [x.dataSync(), filter.dataSync()];
  const y = new Float64Array(batch * h * w * outputs);
  const dx = new Float64Array(xs.length);
  const df = new Float64Array(fs.length);
  const dy = (at: number) => Math.sin(at);
  for (let at = 0; at < y.length; at++) {
    const [o, j, i, b] = [at % outputs, Math.floor(at / outputs) % w, Math.floor(at / outputs / w) % h, Math.floor(at / outputs / w / h)]; // biome-ignore format: one thought
    y[at] = bias[o];
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        const [row, column] = [i * stride + r - top, j * stride + c - left];
        if (row < 0 || row >= height || column < 0 || column >= width) continue;
        for (let k = 0; k < inputs; k++) {
          const [p, q] = [((b * height + row) * width + column) * inputs + k, ((r * columns + c) * inputs + k) * outputs + o]; // biome-ignore format: one thought
          y[at] += xs[p] * fs[q];
          dx[p] += dy(at) * fs[q];
          df[q] += dy(at) * xs[p];
        }
      }
    }
  }
  const db = Float64Array.from(bias, (_, o) => y.reduce((sum, __, at) => sum + (at % outputs === o ? dy(at) : 0), 0));
  return { y, dx, df, db, dy: Float32Array.from(y, (_, at) => dy(at)), shape: [batch, h, w, outputs] };
}

describe(`conv2d on ${started.name}: values and gradients are those of the sum written out`, () => {
  test.each<[string, number[], number[], number, Pad]>([
    ["3×3, same size", [2, 5, 7, 3], [3, 3, 3, 4], 1, [1, 1, 1, 1]],
    ["3×3, steps of 2", [1, 8, 6, 2], [3, 3, 2, 5], 2, [1, 1, 1, 1]],
    ["3×3, steps of 2, padded at the end", [2, 6, 4, 3], [3, 3, 3, 2], 2, [0, 1, 0, 1]],
    ["1×1", [1, 3, 4, 6], [1, 1, 6, 2], 1, [0, 0, 0, 0]],
    ["5×3 without padding", [1, 6, 6, 2], [5, 3, 2, 3], 1, [0, 0, 0, 0]],
    ["steps that leave pixels over", [1, 7, 8, 2], [2, 2, 2, 2], 3, [0, 0, 0, 0]],
  ])("%s", (_, xShape, filterShape, stride, pad) => {
    const x = tf.linspace(-1, 1, xShape.reduce((a, b) => a * b)).mul(7).sin().reshape(xShape); // biome-ignore format: one thought
    const filter = tf.linspace(-1, 2, filterShape.reduce((a, b) => a * b)).mul(5).cos().reshape(filterShape); // biome-ignore format: one thought
    const bias = Float32Array.from({ length: filterShape[3] }, (_, i) => 0.3 * i - 0.5);
    const truth = plain(x, filter, bias, stride, pad);
    const f = (...[a, b, c]: Tensor[]) => conv2d(a, b as Tensor4D, c, { stride, pad });
    const y = f(x, filter, tf.tensor1d(bias));
    expect(y.shape).toEqual(truth.shape);
    expect(y.dataSync()).toBeAllclose(truth.y, { atol: 1e-5, rtol: 1e-5 });
    const gradients = tf.grads(f)([x, filter, tf.tensor1d(bias)], tf.tensor(truth.dy, truth.shape));
    for (const [i, expected] of [truth.dx, truth.df, truth.db].entries()) expect(gradients[i].dataSync()).toBeAllclose(expected, { atol: 2e-5, rtol: 1e-5 }); // biome-ignore format: one thought
  });

  test("a frozen filter gets no gradient, and x still gets its own", () => {
    const [x, filter] = [tf.ones([1, 4, 4, 2]), tf.variable(tf.ones([3, 3, 2, 2]), false) as unknown as Tensor4D];
    const gradient = tf.grad((a) => conv2d(a, filter, undefined, { pad: [1, 1, 1, 1] }).sum())(x);
    expect(gradient.dataSync()[0]).toBe(8);
  });

  test("refuses shapes by name", () => {
    const filter = tf.zeros([3, 3, 2, 4]) as Tensor4D;
    expect(() => conv2d(tf.zeros([1, 4, 4, 3]), filter)).toThrow("shape of x is [1,4,4,3]; allowed: [any, any, any, 2].");
    expect(() => conv2d(tf.zeros([1, 2, 4, 2]), filter)).toThrow("x is [1,2,4,2]; allowed: at least 3×3 pixels with the padding.");
    expect(() => conv2d(tf.zeros([1, 4, 4, 2]), filter, tf.zeros([3]))).toThrow("shape of bias is [3]; allowed: [4].");
  }); // biome-ignore format: one line each
});
