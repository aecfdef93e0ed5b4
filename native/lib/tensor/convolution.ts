import { type Activation, activationNumber } from "./Activation.ts";
import type { HeavyKernels } from "./HeavyKernels.ts";
import { numbers } from "./numbers.ts";
import type { RawHeavyKernels } from "./RawHeavyKernels.ts";

/** Sizes of a convolution. Output pixel (i, j) reads input pixels (i·strideHeight − padTop + p·dilationHeight, …); those outside the image are 0. */
export interface ConvSizes {
  batch: number;
  height: number;
  width: number;
  inChannels: number;
  filterHeight: number;
  filterWidth: number;
  outHeight: number;
  outWidth: number;
  outChannels: number;
  /** Default 1. */
  strideHeight?: number;
  strideWidth?: number;
  /** Default 1. */
  dilationHeight?: number;
  dilationWidth?: number;
  /** Default 0. Bottom and right follow from the output's size. */
  padTop?: number;
  padLeft?: number;
}

export interface Conv2d extends ConvSizes {
  /** [batch, height, width, inChannels] */
  x: Float32Array;
  /** [filterHeight, filterWidth, inChannels, outChannels] */
  filter: Float32Array;
  /** [outChannels] */
  bias?: Float32Array;
  activation?: Activation;
  /** [batch, outHeight, outWidth, outChannels] */
  y: Float32Array;
  /** [batch, outChannels]: a bias of each image's own. Not with an activation, nor is residual. */
  shift?: Float32Array;
  /** Laid out as y, and another array: added to it. */
  residual?: Float32Array;
}
export interface Conv2dInputGradient extends ConvSizes {
  dy: Float32Array;
  filter: Float32Array;
  dx: Float32Array;
}
export interface Conv2dFilterGradient extends ConvSizes {
  x: Float32Array;
  dy: Float32Array;
  dFilter?: Float32Array;
  /** [outChannels]: ∂/∂bias. */
  dBias?: Float32Array;
}

type Convolutions = Pick<HeavyKernels, "conv2d" | "conv2dInputGradient" | "conv2dFilterGradient">;

export function convolutions(raw: RawHeavyKernels): Convolutions {
  return {
    conv2d(options) {
      const { x, filter, bias, activation = "none", y, shift, residual } = options;
      sizes(options);
      numbers[15] = activationNumber(activation);
      raw.conv2d(numbers, x, filter, bias ?? null, y, shift ?? null, residual ?? null);
    },
    conv2dInputGradient(options) {
      sizes(options);
      raw.conv2dInputGradient(numbers, options.dy, options.filter, options.dx);
    },
    conv2dFilterGradient(options) {
      const { x, dy, dFilter, dBias } = options;
      sizes(options);
      raw.conv2dFilterGradient(numbers, x, dy, dFilter ?? null, dBias ?? null);
    },
  };
}

function sizes(options: ConvSizes): void {
  numbers[0] = options.batch;
  numbers[1] = options.height;
  numbers[2] = options.width;
  numbers[3] = options.inChannels;
  numbers[4] = options.filterHeight;
  numbers[5] = options.filterWidth;
  numbers[6] = options.outHeight;
  numbers[7] = options.outWidth;
  numbers[8] = options.outChannels;
  numbers[9] = options.strideHeight ?? 1;
  numbers[10] = options.strideWidth ?? 1;
  numbers[11] = options.dilationHeight ?? 1;
  numbers[12] = options.dilationWidth ?? 1;
  numbers[13] = options.padTop ?? 0;
  numbers[14] = options.padLeft ?? 0;
}
