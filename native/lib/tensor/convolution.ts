import type { Activation } from "./Activation.ts";

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
}
export interface Conv2dInputGradient extends ConvSizes {
  dy: Float32Array;
  filter: Float32Array;
  dx: Float32Array;
}
export interface Conv2dFilterGradient extends ConvSizes {
  x: Float32Array;
  dy: Float32Array;
  dFilter: Float32Array;
  /** [outChannels]: ∂/∂bias. */
  dBias?: Float32Array;
}
