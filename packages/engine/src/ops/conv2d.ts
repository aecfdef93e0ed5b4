import { EtalonError } from "@etalon/errors";
import type { Tensor, Tensor4D } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { checkShape } from "./checkShape.ts";
import { emptyResult, isEmpty } from "./emptyResult.ts";
import { hasFused, runFused, withGradients } from "./fused.ts";
import { isFrozen } from "./isFrozen.ts";
import { tapGradients } from "./tapGradients.ts";

/** Where a convolution's windows lie. */
export interface Conv2dOptions {
  /** Pixels from one window to the next; default 1. */
  stride?: number;
  /** Rows and columns of zeros around the picture: [top, bottom, left, right]. Default none. */
  pad?: readonly [number, number, number, number];
}

/**
 * A convolution over pixels, channels last, with a bias, and its exact gradient on every engine (wasm has no kernel for a filter's gradient: there it is a product a tap). A
 * variable that is not trainable gets no gradient, and none is computed for it.
 * @param x  float32 [batch, height, width, inputs]    @param filter  float32 [rows, columns, inputs, outputs]    @param bias  float32 [outputs], or none
 * @returns float32 [batch, height', width', outputs]    @throws EtalonError BAD_SHAPE, BAD_TYPE
 */
export function conv2d(x: Tensor, filter: Tensor4D, bias?: Tensor, options: Conv2dOptions = {}): Tensor4D {
  const { stride = 1, pad = [0, 0, 0, 0] } = options;
  checkShape("filter", filter, [null, null, null, null]);
  const [rows, columns, inputs, outputs] = filter.shape;
  checkShape("x", x, [null, null, null, inputs]);
  if (bias !== undefined) checkShape("bias", bias, [outputs]);
  const [top, bottom, left, right] = pad;
  const [, height, width] = x.shape as number[];
  if (height + top + bottom < rows || width + left + right < columns) {
    const allowed = `at least ${rows}×${columns} pixels with the padding`;
    throw new EtalonError("BAD_SHAPE", { argument: "x", value: x.shape, allowed });
  }
  const shape = [
    x.shape[0],
    Math.floor((height + top + bottom - rows) / stride) + 1,
    Math.floor((width + left + right - columns) / stride) + 1,
    outputs,
  ];
  if (isEmpty(shape)) return emptyResult(shape, [x, filter, bias]) as Tensor4D;
  if (inputs === 0) {
    const nothing = emptyResult(shape, [x, filter]) as Tensor4D;
    return bias === undefined ? nothing : nothing.add(bias);
  }
  const [evenRows, evenColumns] = [rows % 2 === 1 && top === bottom && top === (rows - 1) / 2, columns % 2 === 1 && left === right && left === (columns - 1) / 2]; // biome-ignore format: one thought
  if (stride === 1 && evenRows && evenColumns) return padded(x as Tensor4D, filter, bias, stride, "same");
  if (hasFused("EtalonLinear")) return padded(x as Tensor4D, filter, bias, stride, [[0, 0], [top, bottom], [left, right], [0, 0]]); // biome-ignore format: one thought
  const around = pad.some((extent) => extent !== 0)
    ? tf.pad(x as Tensor4D, [[0, 0], [top, bottom], [left, right], [0, 0]]) // biome-ignore format: one thought
    : (x as Tensor4D);
  return padded(around, filter, bias, stride, "valid");
}

type Pad = "same" | "valid" | [[number, number], [number, number], [number, number], [number, number]];

/** @param pad  zeros around each axis are for engines that have the filter's gradient */
function padded(x: Tensor4D, filter: Tensor4D, bias: Tensor | undefined, stride: number, pad: Pad): Tensor4D {
  const attributes = { strides: [stride, stride], pad, dataFormat: "NHWC", dilations: [1, 1] };
  const trained = { filter: !isFrozen(filter), bias: bias !== undefined && !isFrozen(bias) };
  const inputs = [x, ...(trained.filter ? [filter] : []), ...(trained.bias ? [bias as Tensor] : [])];
  const forward = () => runFused<Tensor>("FusedConv2D", { x, filter, bias }, { ...attributes, activation: "linear" });
  return withGradients(
    inputs,
    () => ({ value: forward(), saved: [filter, ...(trained.filter ? [x] : [])] }),
    (dy, [weights, input]) => {
      const dx = runFused<Tensor>("Conv2DBackpropInput", { dy, filter: weights }, { ...attributes, inputShape: x.shape });
      const dFilter = () =>
        hasFused("Conv2DBackpropFilter")
          ? runFused<Tensor>("Conv2DBackpropFilter", { x: input, dy }, { ...attributes, filterShape: filter.shape })
          : tapGradients(input as Tensor4D, dy as Tensor4D, filter.shape, stride, pad as "same" | "valid");
      return [dx, ...(trained.filter ? [dFilter()] : []), ...(trained.bias ? [dy.sum([0, 1, 2])] : [])];
    },
  ) as Tensor4D;
} // biome-ignore format: long lines
