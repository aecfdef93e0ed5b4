import type { Tensor, Tensor4D } from "@tensorflow/tfjs";
import { checkShape } from "./checkShape.ts";
import { conv2d } from "./conv2d.ts";
import { emptyResult, isEmpty } from "./emptyResult.ts";
import { hasFused } from "./fused.ts";
import { fusedLayer } from "./fusedLayer.ts";
import { groupNorm } from "./groupNorm.ts";
import { checkLayer, type LinearLayer, plainLayer, tensorsOf } from "./LayerTensors.ts";

/** A convolution that keeps the picture's size: its window has odd sides. */
export interface ConvTensors {
  /** float32 [rows, columns, inputs, outputs]. */
  filter: Tensor4D;
  bias?: Tensor;
}

/** The tensors of a residual block of pixels. */
export interface ResnetTensors {
  /** Gains and biases of the group norms, float32 [channels]. */
  norm1: { gain: Tensor; bias: Tensor };
  conv1: ConvTensors;
  /** From the time embedding to a number a channel; needed where an embedding is given. */
  time?: LinearLayer;
  norm2: { gain: Tensor; bias: Tensor };
  conv2: ConvTensors;
  /** A product of each pixel, where the widths differ. */
  shortcut?: LinearLayer;
}

/**
 * A residual block of pixels: shortcut(x) + conv2(SiLU(norm2(conv1(SiLU(norm1(x))) + time(embedding)))), with its exact gradient: one kernel each way on the native engine.
 * @param x  float32 [batch, height, width, inputs]    @param options  of the group norms    @param embedding  float32 [batch, width], or none
 * @returns float32 [batch, height, width, outputs]    @throws EtalonError BAD_SHAPE, BAD_TYPE, OUT_OF_RANGE
 */
export function resnetLayer(x: Tensor, layers: ResnetTensors, options: { groups: number; epsilon: number }, embedding?: Tensor): Tensor {
  const { norm1, conv1, time, norm2, conv2, shortcut } = layers;
  checkShape("conv1.filter", conv1.filter, [null, null, null, null]);
  const [inputs, outputs] = conv1.filter.shape.slice(2);
  checkShape("x", x, [null, null, null, inputs]);
  checkShape("conv2.filter", conv2.filter, [null, null, outputs, shortcut === undefined ? inputs : outputs]);
  const shift = embedding && time;
  if (shift) {
    checkShape("embedding", embedding, [x.shape[0], null]);
    checkLayer("time", shift, embedding.shape[1] as number, outputs);
  }
  if (shortcut) checkLayer("shortcut", shortcut, inputs, outputs);
  const shape = [...x.shape.slice(0, 3), outputs];
  const tensors = {
    x,
    embedding: shift && embedding,
    "norm1.gain": norm1.gain,
    "norm1.bias": norm1.bias,
    "conv1.filter": conv1.filter,
    "conv1.bias": conv1.bias,
    "norm2.gain": norm2.gain,
    "norm2.bias": norm2.bias,
    "conv2.filter": conv2.filter,
    "conv2.bias": conv2.bias,
  };
  if (isEmpty(shape)) return emptyResult(shape, [...Object.values(tensors), ...tensorsOf({ time: shift, shortcut })]);
  const odd = [conv1, conv2].every(({ filter }) => filter.shape[0] % 2 === 1 && filter.shape[1] % 2 === 1);
  if (odd && hasFused("EtalonResnetLayer") && x.size > 0) {
    for (const [name, norm, conv] of [["1", norm1, conv1], ["2", norm2, conv2]] as const) {
      checkShape(`norm${name}.gain`, norm.gain, [name === "1" ? inputs : outputs]);
      checkShape(`norm${name}.bias`, norm.bias, [name === "1" ? inputs : outputs]);
      if (conv.bias) checkShape(`conv${name}.bias`, conv.bias, [outputs]);
    } // biome-ignore format: one thought
    return fusedLayer("EtalonResnetLayer", tensors, { time: shift, shortcut }, options);
  }
  const convolved = (value: Tensor, { filter, bias }: ConvTensors) => {
    const [top, left] = [(filter.shape[0] - 1) >> 1, (filter.shape[1] - 1) >> 1];
    return conv2d(value, filter, bias, { pad: [top, top, left, left] });
  };
  const first = convolved(groupNorm(x, options.groups, { ...norm1, epsilon: options.epsilon, silu: true }), conv1);
  const moved = shift ? first.add(plainLayer(embedding, shift).expandDims(1).expandDims(1)) : first;
  const second = convolved(groupNorm(moved, options.groups, { ...norm2, epsilon: options.epsilon, silu: true }), conv2);
  return (shortcut ? plainLayer(x, shortcut) : x).add(second);
} // biome-ignore format: long lines
