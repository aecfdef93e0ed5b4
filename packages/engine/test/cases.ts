import type { Tensor, Tensor2D, Tensor4D } from "@tensorflow/tfjs";
import {
  type Activation,
  attention,
  gatedResidual,
  geglu,
  gelu,
  geluErf,
  groupNorm,
  layerNorm,
  layerNormModulate,
  linear,
  matMulT,
  modulate,
  multiHeadAttention,
  rmsNorm,
  silu,
} from "../src/index.ts";
import * as reference from "./reference.ts";

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
]; // biome-ignore format: a table

/** float32 values in ±1.5, the same at every call. */
export function values(size: number, seed: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => 1.5 * Math.sin(12.9898 * (i + 1) + 78.233 * seed));
}
