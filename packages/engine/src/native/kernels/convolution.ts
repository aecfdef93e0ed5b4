import type { ConvSizes } from "@etalon/native/tensor";
import type { TensorInfo } from "@tensorflow/tfjs";
import { tf } from "../../tf.ts";
import { activated, isActivation, isInGemm } from "./activated.ts";
import type { KernelCall, NativeKernels } from "./NativeKernel.ts";

interface Attributes {
  strides: [number, number] | number;
  pad: "valid" | "same" | number | [[number, number], [number, number], [number, number], [number, number]];
  dataFormat: "NHWC" | "NCHW";
  dilations?: [number, number] | number;
  dimRoundingMode?: "floor" | "round" | "ceil";
}

type Shape4 = [number, number, number, number];

/** The sizes as the addon has them; undefined: channels come first. */
function sizesOf(x: number[], filter: number[], attributes: Attributes): (ConvSizes & { outShape: number[] }) | undefined {
  const { strides, pad, dataFormat, dilations = 1, dimRoundingMode } = attributes;
  if (dataFormat === "NCHW") return undefined;
  const found = tf.backend_util.computeConv2DInfo(x as Shape4, filter as Shape4, strides, dilations, pad, dimRoundingMode, false, "channelsLast");
  if (found.filterShape[2] !== found.inChannels) return undefined; // groups
  return {
    batch: found.batchSize,
    height: found.inHeight,
    width: found.inWidth,
    inChannels: found.inChannels,
    filterHeight: found.filterHeight,
    filterWidth: found.filterWidth,
    outHeight: found.outHeight,
    outWidth: found.outWidth,
    outChannels: found.outChannels,
    strideHeight: found.strideHeight,
    strideWidth: found.strideWidth,
    dilationHeight: found.dilationHeight,
    dilationWidth: found.dilationWidth,
    padTop: found.padInfo.top,
    padLeft: found.padInfo.left,
    outShape: found.outShape,
  };
} // biome-ignore format: long lines

interface Inputs {
  x: TensorInfo;
  filter: TensorInfo;
  bias?: TensorInfo;
  preluActivationWeights?: TensorInfo;
}

function conv2d({ inputs, attrs, backend, heavy }: KernelCall<Inputs, Attributes & { activation?: string; leakyreluAlpha?: number }>) {
  const { x, filter, bias, preluActivationWeights } = inputs;
  const { activation = "linear", leakyreluAlpha } = attrs;
  if (x.dtype !== "float32" || filter.dtype !== "float32" || !isActivation(activation)) return undefined;
  const found = sizesOf(x.shape, filter.shape, attrs);
  if (found === undefined || (bias && bias.shape.join() !== String(found.outChannels))) return undefined;
  const { outShape, ...sizes } = found;
  const { info, values: y } = backend.output(outShape, "float32");
  heavy.conv2d({
    ...sizes,
    x: backend.values(x, "float32"),
    filter: backend.values(filter, "float32"),
    bias: bias && backend.values(bias, "float32"),
    activation: isInGemm(activation),
    y,
  });
  return activated(backend, info, activation, leakyreluAlpha, preluActivationWeights);
} // biome-ignore format: long lines

function inputGradient({ inputs: { dy, filter }, attrs, backend, heavy }: KernelCall<{ dy: TensorInfo; filter: TensorInfo }, Attributes & { inputShape: Shape4 }>) {
  if (dy.dtype !== "float32" || filter.dtype !== "float32") return undefined;
  const found = sizesOf(attrs.inputShape, filter.shape, attrs);
  if (found === undefined) return undefined;
  const { outShape, ...sizes } = found;
  if (dy.shape.join() !== outShape.join()) return undefined; // tfjs lets a transposed convolution have pixels too many
  const { info, values: dx } = backend.output(attrs.inputShape, "float32");
  heavy.conv2dInputGradient({ ...sizes, dy: backend.values(dy, "float32"), filter: backend.values(filter, "float32"), dx });
  return info;
} // biome-ignore format: long lines

function filterGradient({ inputs: { x, dy }, attrs, backend, heavy }: KernelCall<{ x: TensorInfo; dy: TensorInfo }, Attributes & { filterShape: Shape4 }>) {
  if (dy.dtype !== "float32" || x.dtype !== "float32") return undefined;
  const found = sizesOf(x.shape, attrs.filterShape, attrs);
  if (found === undefined) return undefined;
  const { outShape, ...sizes } = found;
  if (dy.shape.join() !== outShape.join()) return undefined; // tfjs lets a transposed convolution have pixels too many
  const { info, values: dFilter } = backend.output(attrs.filterShape, "float32");
  heavy.conv2dFilterGradient({ ...sizes, x: backend.values(x, "float32"), dy: backend.values(dy, "float32"), dFilter });
  return info;
} // biome-ignore format: long lines

/** Convolutions over pixels, channels last; others are tfjs's. */
export const convolution = {
  Conv2D: conv2d,
  FusedConv2D: conv2d,
  Conv2DBackpropInput: inputGradient,
  Conv2DBackpropFilter: filterGradient,
} as NativeKernels;
