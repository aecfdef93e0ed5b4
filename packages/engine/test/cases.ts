import type { Tensor, Tensor2D, Tensor4D } from "@tensorflow/tfjs";
import {
  type Activation,
  attention,
  attentionLayer,
  conv2d,
  embedding,
  feedForwardLayer,
  fromPatches,
  gatedResidual,
  geglu,
  gelu,
  geluErf,
  groupNorm,
  layerNorm,
  layerNormModulate,
  linear,
  linearLayer,
  matMulT,
  modulate,
  multiHeadAttention,
  resizeNearest,
  resnetLayer,
  rmsNorm,
  rope,
  silu,
  tf,
  toPatches,
} from "../src/index.ts";
import * as reference from "./reference.ts";
import { streamCases } from "./streamCases.ts";

/** An operation of the engine, the shapes of its inputs, and the same in float64. */
export type Case = [
  name: string,
  shapes: number[][],
  op: (...inputs: Tensor[]) => Tensor,
  truth: (...inputs: reference.Dense[]) => reference.Dense,
];

const transposed = ({ shape: [rows, columns], data }: reference.Dense): reference.Dense => ({
  shape: [columns, rows],
  data: Float64Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]),
});
const asLinear = (activation?: Activation) => (x: Tensor, w: Tensor, b?: Tensor) =>
  linear(x, w as Tensor2D, b, activation);

const layer = (w: Tensor, b?: Tensor) => ({ w: w as Tensor2D, b });
const adapted = (w: Tensor, b: Tensor | undefined, down: Tensor, up: Tensor) => ({
  ...layer(w, b),
  adapters: [{ down: down as Tensor2D, up: up as Tensor2D, scale: 0.5 }],
});
type D = reference.Dense;
const adaptedTruth = (x: D, w: D, b: D | undefined, down: D, up: D) => {
  const low = reference.linear(reference.linear(x, down), up);
  return reference.add(reference.linear(x, w, b), { ...low, data: low.data.map((v) => 0.5 * v) });
};
const affineNorm = (x: D, epsilon: number, gain: D, bias: D) => {
  const d = gain.data.length;
  const normal = reference.layerNorm(x, epsilon);
  return { ...normal, data: normal.data.map((v, i) => v * gain.data[i % d] + bias.data[i % d]) };
};
/** SiLU(GroupNorm in two groups) of [batch, height, width, channels]. */
const pixelNorm = (x: D, gain: D, bias: D) => {
  const [batch, height, width, channels] = x.shape;
  const flat = reference.groupNorm({ ...x, shape: [batch, height * width, channels] }, 2, 0.1, gain, bias);
  return reference.silu({ ...flat, shape: x.shape });
};
const bilinear = (rows: number, columns: number, alignCorners: boolean) => (x: Tensor) =>
  tf.image.resizeBilinear(x as Tensor4D, [rows, columns], alignCorners) as Tensor;

/** By the definition: patch after patch, row after row. */
function patches({ shape: [batch, height, width, channels], data }: D, size: number): D {
  const [out, columns, wide] = [[] as number[], width / size, size * size * channels];
  for (let b = 0; b < batch; b++)
    for (let patch = 0; patch < (height / size) * columns; patch++)
      for (let at = 0; at < wide; at++) {
        const row = Math.floor(patch / columns) * size + Math.floor(at / (size * channels));
        const column = (patch % columns) * size + (Math.floor(at / channels) % size);
        out.push(data[((b * height + row) * width + column) * channels + (at % channels)]);
      }
  return { shape: [batch, (height / size) * columns, wide], data: Float64Array.from(out) };
}

const ids = [4, 0, 4, 2];
/** The angles of a rope are constants. */
const angles = values(6, 3);
const turned = { cos: angles.map(Math.cos), sin: angles.map(Math.sin) };
const asDense = (data: Float32Array, shape: number[]): reference.Dense => ({ shape, data: Float64Array.from(data) });

/** Odd sizes: no multiple of a vector's width. */
export const cases: Case[] = [
  ["silu", [[3, 5]], silu, reference.silu],
  ["gelu", [[3, 5]], gelu, reference.gelu],
  ["linear", [[7, 5], [5, 9], [9]], asLinear(), reference.linear],
  ["linear of rank 3 without bias", [[2, 3, 5], [5, 4]], asLinear(), reference.linear],
  ["linear of rank 1", [[5], [5, 3], [3]], asLinear(), reference.linear],
  ["linear with silu", [[7, 5], [5, 9], [9]], asLinear("silu"), (...x) => reference.silu(reference.linear(x[0], x[1], x[2]))],
  ["linear with gelu", [[2, 3, 5], [5, 9], [9]], asLinear("gelu"), (...x) => reference.gelu(reference.linear(x[0], x[1], x[2]))],
  ["linear with gelu by erf", [[2, 3, 5], [5, 9], [9]], asLinear("gelu-erf"), (...x) => reference.geluErf(reference.linear(x[0], x[1], x[2]))],
  ["linear, wide", [[19, 21], [21, 17], [17]], asLinear("silu"), (...x) => reference.silu(reference.linear(x[0], x[1], x[2]))],
  ["geluErf", [[3, 5]], geluErf, reference.geluErf],
  ["geglu", [[2, 3, 10]], geglu, reference.geglu],
  ["gatedResidual", [[2, 3, 7], [2, 3, 7], [2, 1, 7]], gatedResidual, reference.gatedResidual],
  ["rmsNorm", [[2, 3, 7]], (x) => rmsNorm(x), (x) => reference.rmsNorm(x, 1e-6)],
  ["rmsNorm with a gain", [[5, 19], [19]], (x, gain) => rmsNorm(x, gain, 0.1), (x, gain) => reference.rmsNorm(x, 0.1, gain)],
  ["groupNorm", [[2, 5, 6]], (x) => groupNorm(x, 3), (x) => reference.groupNorm(x, 3, 1e-5)],
  [
    "groupNorm, affine, SiLU",
    [[2, 5, 6], [6], [6]],
    (x, gain, bias) => groupNorm(x, 2, { gain, bias, silu: true, epsilon: 0.01 }),
    (x, gain, bias) => reference.silu(reference.groupNorm(x, 2, 0.01, gain, bias)),
  ],
  [
    "multiHeadAttention",
    [[2, 5, 6], [2, 7, 6], [2, 7, 9]],
    (q, k, v) => multiHeadAttention(q, k, v, 3),
    (q, k, v) => reference.multiHeadAttention(q, k, v, 3),
  ],
  ["matMulT", [[7, 5], [3, 5]], (a, b) => matMulT(a as Tensor2D, b as Tensor2D), (a, b) => reference.linear(a, transposed(b))],
  ["layerNorm", [[2, 3, 7]], (x) => layerNorm(x), (x) => reference.layerNorm(x, 1e-6)],
  ["layerNorm with a large epsilon", [[5, 7]], (x) => layerNorm(x, 0.5), (x) => reference.layerNorm(x, 0.5)],
  [
    "layerNorm with gain and bias",
    [[2, 3, 7], [7], [7]],
    (x, gain, bias) => layerNorm(x, 0.1, { gain, bias }),
    (x, gain, bias) => affineNorm(x, 0.1, gain, bias),
  ],
  [
    "linearLayer with an adapter and a residual",
    [[2, 3, 5], [5, 9], [9], [5, 2], [2, 9], [2, 3, 9]],
    (x, w, b, down, up, residual) => linearLayer(x, adapted(w, b, down, up), residual),
    (x, w, b, down, up, residual) => reference.add(adaptedTruth(x, w, b, down, up), residual),
  ],
  [
    "attentionLayer to itself",
    [[2, 5, 6], [6], [6], [6, 8], [6, 8], [6, 4], [4, 6], [6], [4, 2], [2, 6]],
    (x, gain, bias, q, k, v, out, b, down, up) =>
      attentionLayer(x, { norm: { gain, bias, epsilon: 0.1 }, q: layer(q), k: layer(k), v: layer(v), out: adapted(out, b, down, up) }, { heads: 2 }),
    (x, gain, bias, q, k, v, out, b, down, up) => {
      const n = affineNorm(x, 0.1, gain, bias);
      const seen = reference.multiHeadAttention(reference.linear(n, q), reference.linear(n, k), reference.linear(n, v), 2);
      return reference.add(adaptedTruth(seen, out, b, down, up), x);
    },
  ],
  [
    "attentionLayer of pixels to a context",
    [[2, 2, 3, 6], [2, 4, 5], [6], [6], [6, 8], [5, 8], [5, 2], [2, 8], [5, 8], [8, 6]],
    (x, context, gain, bias, q, k, down, up, v, out) =>
      attentionLayer(x, { norm: { gain, bias, epsilon: 0.1 }, q: layer(q), k: adapted(k, undefined, down, up), v: layer(v), out: layer(out) }, { heads: 2 }, context),
    (x, context, gain, bias, q, k, down, up, v, out) => {
      const n = affineNorm({ ...x, shape: [2, 6, 6] }, 0.1, gain, bias);
      const seen = reference.multiHeadAttention(reference.linear(n, q), adaptedTruth(context, k, undefined, down, up), reference.linear(context, v), 2);
      return reference.add({ ...reference.linear(seen, out), shape: x.shape }, x);
    },
  ],
  [
    "feedForwardLayer",
    [[2, 3, 5], [5], [5], [5, 14], [14], [7, 5], [5], [7, 2], [2, 5]],
    (x, gain, bias, up, b, down, b2, low, high) =>
      feedForwardLayer(x, { norm: { gain, bias, epsilon: 0.1 }, up: layer(up, b), down: adapted(down, b2, low, high) }),
    (x, gain, bias, up, b, down, b2, low, high) =>
      reference.add(adaptedTruth(reference.geglu(reference.linear(affineNorm(x, 0.1, gain, bias), up, b)), down, b2, low, high), x),
  ],
  [
    "resnetLayer",
    [[2, 2, 2, 6], [6], [6], [3, 3, 6, 4], [4], [2, 5], [5, 4], [4], [4], [4], [1, 1, 4, 4], [4], [6, 4], [4]],
    (x, gain1, bias1, filter1, b1, embedding, w, b, gain2, bias2, filter2, b2, short, b3) =>
      resnetLayer(
        x,
        {
          norm1: { gain: gain1, bias: bias1 },
          conv1: { filter: filter1 as Tensor4D, bias: b1 },
          time: layer(w, b),
          norm2: { gain: gain2, bias: bias2 },
          conv2: { filter: filter2 as Tensor4D, bias: b2 },
          shortcut: layer(short, b3),
        },
        { groups: 2, epsilon: 0.1 },
        embedding,
      ),
    (x, gain1, bias1, filter1, b1, embedding, w, b, gain2, bias2, filter2, b2, short, b3) => {
      const shift = reference.linear(embedding, w, b);
      const first = reference.conv2d(pixelNorm(x, gain1, bias1), filter1, b1);
      const moved = { ...first, data: first.data.map((v, i) => v + shift.data[Math.floor(i / 16) * 4 + (i % 4)]) };
      return reference.add(reference.conv2d(pixelNorm(moved, gain2, bias2), filter2, b2), reference.linear(x, short, b3));
    },
  ],
  [
    "resnetLayer of one width, without an embedding",
    [[1, 3, 3, 4], [4], [4], [3, 3, 4, 4], [4], [4], [1, 1, 4, 4]],
    (x, gain1, bias1, filter1, gain2, bias2, filter2) =>
      resnetLayer(
        x,
        {
          norm1: { gain: gain1, bias: bias1 },
          conv1: { filter: filter1 as Tensor4D },
          norm2: { gain: gain2, bias: bias2 },
          conv2: { filter: filter2 as Tensor4D },
        },
        { groups: 2, epsilon: 0.1 },
      ),
    (x, gain1, bias1, filter1, gain2, bias2, filter2) =>
      reference.add(reference.conv2d(pixelNorm(reference.conv2d(pixelNorm(x, gain1, bias1), filter1), gain2, bias2), filter2), x),
  ],
  ["modulate", [[2, 3, 7], [2, 1, 7], [2, 1, 7]], modulate, reference.modulate],
  [
    "layerNormModulate",
    [[2, 3, 7], [2, 1, 7], [2, 1, 7]],
    (x, scale, shift) => layerNormModulate(x, scale, shift),
    (x, scale, shift) => reference.modulate(reference.layerNorm(x, 1e-6), scale, shift),
  ],
  [
    "attention",
    [[2, 3, 5, 4], [2, 3, 7, 4], [2, 3, 7, 6]],
    (q, k, v) => attention(q as Tensor4D, k as Tensor4D, v as Tensor4D),
    reference.attention,
  ],
  [
    "attention to one key",
    [[1, 1, 3, 4], [1, 1, 1, 4], [1, 1, 1, 4]],
    (q, k, v) => attention(q as Tensor4D, k as Tensor4D, v as Tensor4D),
    reference.attention,
  ],
  [
    "conv2d, even padding",
    [[2, 5, 4, 3], [3, 3, 3, 5], [5]],
    (x, filter, bias) => conv2d(x, filter as Tensor4D, bias, { pad: [1, 1, 1, 1] }),
    (x, filter, bias) => reference.conv2d(x, filter, bias, 1, [1, 1, 1, 1]),
  ],
  [
    "conv2d, stride 2, odd padding",
    [[2, 6, 5, 3], [3, 3, 3, 2], [2]],
    (x, filter, bias) => conv2d(x, filter as Tensor4D, bias, { stride: 2, pad: [0, 1, 0, 1] }),
    (x, filter, bias) => reference.conv2d(x, filter, bias, 2, [0, 1, 0, 1]),
  ],
  [
    "rope",
    [[2, 3, 8]],
    (x) => rope(x, tf.tensor2d(turned.cos, [3, 2]), tf.tensor2d(turned.sin, [3, 2]), 2),
    (x) => reference.rope(x, asDense(turned.cos, [3, 2]), asDense(turned.sin, [3, 2])),
  ],
  ["embedding", [[5, 3]], (table) => embedding(Int32Array.from(ids), table as Tensor2D), (table) => reference.embedding(ids, table)],
  ["resizeNearest, twice", [[2, 3, 4, 3]], (x) => resizeNearest(x, 6, 8), (x) => reference.resizeNearest(x, 6, 8)],
  ["resizeNearest, any size", [[1, 5, 4, 2]], (x) => resizeNearest(x, 3, 7), (x) => reference.resizeNearest(x, 3, 7)],
  ["resizeBilinear", [[2, 3, 4, 3]], bilinear(5, 7, false), (x) => reference.resizeBilinear(x, 5, 7, false)],
  ["resizeBilinear, corners aligned", [[1, 6, 5, 2]], bilinear(4, 9, true), (x) => reference.resizeBilinear(x, 4, 9, true)],
  ["toPatches", [[2, 4, 6, 3]], (x) => toPatches(x, 2), (x) => patches(x, 2)],
  ["toPatches and back", [[2, 4, 6, 3]], (x) => fromPatches(toPatches(x, 2).square(), 2, [4, 6, 3]), (x) => ({ ...x, data: x.data.map((v) => v * v) })],
  ...streamCases,
]; // biome-ignore format: a table

/** float32 values in ±1.5, the same at every call. */
export function values(size: number, seed: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => 1.5 * Math.sin(12.9898 * (i + 1) + 78.233 * seed));
}
