/**
 * The heavy kernels of the tensor engine, as the addon gives them: `heavyKernels()` is the way to them; there are none in the portable form.
 *
 * What holds for all: float32, row-major, results go into the caller's arrays. Offsets, strides and leading dimensions count elements; an offset is 0 where left out.
 * Extents may be 0. Outputs share no memory with inputs or each other, unless said. NaN and infinity propagate. Results have the same bits for any thread count.
 * A window that runs past its array, or an argument that makes no sense, is an EtalonError BAD_SHAPE or OUT_OF_RANGE before anything is written.
 * Array lengths are checked against what the sizes say, so that a caller need check shapes only.
 */
export interface HeavyKernels {
  /** c = activation(op(a)·op(b) + bias), for a batch of matrices. */
  gemm(options: Gemm): void;
  /** The gradients of y = activation(x·w + bias), those that are asked for, in one call. */
  linearGradients(options: LinearGradients): void;
  /** softmax(scale·q·kᵀ + bias)·v, never more than a block of the scores in memory. */
  attention(options: Attention): void;
  /** The gradients of `attention` for q, k and v; the scores are computed again from logSumExp. */
  attentionGradients(options: AttentionGradients): void;
  /** Convolution (cross-correlation), NHWC with filters HWIO, plus bias, activated. */
  conv2d(options: Conv2d): void;
  /** ∂/∂x of `conv2d` before its activation. */
  conv2dInputGradient(options: Conv2dInputGradient): void;
  /** ∂/∂filter of `conv2d` before its activation. */
  conv2dFilterGradient(options: Conv2dFilterGradient): void;
  /** (x − mean)/√(variance + epsilon) over the last axis, then ·gain + bias where given, then ·(1 + scale) + shift where given. */
  layerNorm(options: LayerNorm): void;
  layerNormGradients(options: LayerNormGradients): void;
  /** x/√(mean of x² + epsilon)·gain over the last axis. */
  rmsNorm(options: RmsNorm): void;
  rmsNormGradients(options: RmsNormGradients): void;
  /** Normalisation over the pixels and channels of each group, ·gain + bias, then SiLU where asked for. */
  groupNorm(options: GroupNorm): void;
  groupNormGradients(options: GroupNormGradients): void;
  /** out = x + y·gate. */
  gatedResidual(options: GatedResidual): void;
  gatedResidualGradients(options: GatedResidualGradients): void;
  /** Rotates pairs (2i, 2i + 1) of the last axis by an angle a token: FLUX's form. Its gradient is the call with `inverse`. */
  rope(options: Rope): void;
  /** y = x[:, :width]·gelu(x[:, width:]), the erf form. */
  geglu(options: Geglu): void;
  gegluGradients(options: GegluGradients): void;
  /** BF16 or F16 bit patterns to float32, exactly; out has the length of bits. */
  unpack(kind: "bf16" | "f16", bits: Uint16Array, out: Float32Array): void;
  /** One update of AdamW over a list of arrays (a flat buffer is a list of one), in place. */
  adamw(options: AdamWUpdate): void;
  /** √ of the sum of all squares, summed in float64 over a fixed tree. Infinite or NaN where an element is. */
  globalNorm(arrays: readonly Float32Array[]): number;
  /** Every element times `factor`, in place. */
  scale(arrays: readonly Float32Array[], factor: number): void;
  /** average += (1 − decay)·(value − average), in place over a list of arrays. */
  ema(averages: readonly Float32Array[], values: readonly Float32Array[], decay: number): void;
}

/** relu(x) = max(x, 0); silu(x) = x·σ(x); gelu in its tanh form (FLUX, T5) and its exact one (CLIP H, BERT, U-Nets). */
export type Activation = "none" | "relu" | "silu" | "gelu-tanh" | "gelu-erf";

export interface Gemm {
  /** Each matrix [m, k], or [k, m] with transposeA. */
  a: Float32Array;
  /** Each matrix [k, n], or [n, k] with transposeB. */
  b: Float32Array;
  /** Each matrix [m, n]. */
  c: Float32Array;
  m: number;
  n: number;
  k: number;
  transposeA?: boolean;
  transposeB?: boolean;
  /** Matrices in the batch. Default 1. */
  batch?: number;
  aOffset?: number;
  bOffset?: number;
  cOffset?: number;
  /** Elements from a row to the next as stored. Default: rows lie close. */
  lda?: number;
  ldb?: number;
  ldc?: number;
  /** Elements from a matrix to the next; 0 uses one for all (a and b only). Default: matrices lie close. */
  aStride?: number;
  bStride?: number;
  cStride?: number;
  /** [n], added to every row. */
  bias?: Float32Array;
  activation?: Activation;
  /** Where to put what goes into the activation: an array laid out as c, with c's offset, strides and length. Not with accumulate. */
  preactivation?: Float32Array;
  /** c += the product (+ bias), instead of c =. Not with an activation. */
  accumulate?: boolean;
}

export interface LinearGradients {
  rows: number;
  inputs: number;
  outputs: number;
  /** [rows, outputs] */
  dy: Float32Array;
  dyOffset?: number;
  /** Elements from a row of dy to the next. Default outputs. The same for ldx and lddx, default inputs. */
  lddy?: number;
  /** [rows, inputs]; needed for dw. */
  x?: Float32Array;
  xOffset?: number;
  ldx?: number;
  /** [inputs, outputs]; needed for dx. */
  w?: Float32Array;
  activation?: Activation;
  /** [rows, outputs], contiguous, as gemm gave it; needed where there is an activation. */
  preactivation?: Float32Array;
  /** [rows, inputs] */
  dx?: Float32Array;
  dxOffset?: number;
  lddx?: number;
  /** dx += instead of dx =: for an input that goes into several layers. */
  accumulateDx?: boolean;
  /** [inputs, outputs] */
  dw?: Float32Array;
  /** [outputs] */
  db?: Float32Array;
  /** dw += and db +=, instead of =. */
  accumulate?: boolean;
}

/** A tensor [batch, heads, rows, d] inside an array: element (b, h, r, i) is data[offset + b·batch + h·head + r·row + i]. */
export interface Heads {
  data: Float32Array;
  offset?: number;
  batch: number;
  head: number;
  row: number;
}

export interface Attention {
  batch: number;
  heads: number;
  queries: number;
  keys: number;
  /** Extent of q and k; 1 … 1024. */
  depth: number;
  /** Extent of v and out. Default depth. */
  width?: number;
  /** q, out: [batch, heads, queries, …]; k, v: [batch, heads, keys, …]. A batch or head stride of 0 shares k and v. */
  q: Heads;
  k: Heads;
  v: Heads;
  out: Heads;
  /** Default 1/√depth. */
  scale?: number;
  /** Query i sees keys 0 … i + keys − queries. Default false. */
  causal?: boolean;
  /** Added to the scores, [batch, heads, queries, keys]; strides of 0 broadcast. −Infinity masks; a query that sees no key gives zeros. */
  bias?: Heads;
  /** [batch, heads, queries], contiguous: log Σ exp of each query's scores; −Infinity where it sees none. For attentionGradients. */
  logSumExp?: Float32Array;
}

export interface AttentionGradients extends Attention {
  /** As attention gave them. */
  logSumExp: Float32Array;
  dOut: Heads;
  dq: Heads;
  /** k and v must not be shared where their gradients are asked for. */
  dk: Heads;
  dv: Heads;
}

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

/** One row of d elements a batch: data[offset + b·stride + i]; a part of a block's adaptive-norm vector, say. A stride of 0 shares one row (inputs only). */
export interface Rows {
  data: Float32Array;
  offset?: number;
  stride: number;
}

export interface LayerNorm {
  batch: number;
  /** Rows a batch. */
  rows: number;
  d: number;
  /** > 0 */
  epsilon: number;
  /** [batch, rows, d] */
  x: Float32Array;
  /** [batch, rows, d]; may be x. */
  y: Float32Array;
  /** [d] */
  gain?: Float32Array;
  bias?: Float32Array;
  /** [batch, d]; both or none. */
  scale?: Rows;
  shift?: Rows;
  /** [batch, rows]: mean and 1/√(variance + epsilon) of each row, for the gradients. */
  mean?: Float32Array;
  rstd?: Float32Array;
}
export interface LayerNormGradients {
  batch: number;
  rows: number;
  d: number;
  x: Float32Array;
  mean: Float32Array;
  rstd: Float32Array;
  dy: Float32Array;
  gain?: Float32Array;
  /** Needed with scale for dGain's share; read only where gain is given too. */
  bias?: Float32Array;
  scale?: Rows;
  /** [batch, rows, d]; may be dy. */
  dx?: Float32Array;
  /** [d] */
  dGain?: Float32Array;
  dBias?: Float32Array;
  /** [batch, d]; the other parts of their arrays are left alone. */
  dScale?: Rows;
  dShift?: Rows;
}

export interface RmsNorm {
  rows: number;
  d: number;
  epsilon: number;
  x: Float32Array;
  /** May be x. */
  y: Float32Array;
  gain?: Float32Array;
  /** [rows] */
  rstd?: Float32Array;
}
export interface RmsNormGradients {
  rows: number;
  d: number;
  x: Float32Array;
  rstd: Float32Array;
  dy: Float32Array;
  gain?: Float32Array;
  /** May be dy. */
  dx?: Float32Array;
  dGain?: Float32Array;
}

export interface GroupNorm {
  batch: number;
  pixels: number;
  channels: number;
  /** A divisor of channels. */
  groups: number;
  epsilon: number;
  /** [batch, pixels, channels] */
  x: Float32Array;
  /** May be x. */
  y: Float32Array;
  /** [channels] */
  gain?: Float32Array;
  bias?: Float32Array;
  silu?: boolean;
  /** [batch, groups] */
  mean?: Float32Array;
  rstd?: Float32Array;
}
export interface GroupNormGradients {
  batch: number;
  pixels: number;
  channels: number;
  groups: number;
  x: Float32Array;
  mean: Float32Array;
  rstd: Float32Array;
  dy: Float32Array;
  gain?: Float32Array;
  bias?: Float32Array;
  silu?: boolean;
  /** May be dy. */
  dx?: Float32Array;
  dGain?: Float32Array;
  dBias?: Float32Array;
}

export interface GatedResidual {
  batch: number;
  rows: number;
  d: number;
  /** [batch, rows, d] */
  x: Float32Array;
  y: Float32Array;
  /** [batch, d] */
  gate: Rows;
  /** [batch, rows, d]; may be x or y. */
  out: Float32Array;
}
/** ∂/∂x is dOut itself. */
export interface GatedResidualGradients {
  batch: number;
  rows: number;
  d: number;
  dOut: Float32Array;
  y: Float32Array;
  gate: Rows;
  /** [batch, rows, d]; may be dOut or y. */
  dy?: Float32Array;
  dGate?: Rows;
}

export interface Rope {
  batch: number;
  tokens: number;
  heads: number;
  /** Even. */
  depth: number;
  /** [batch, heads, tokens, depth], by strides. */
  x: Heads;
  /** May be x. */
  y: Heads;
  /** [tokens, depth/2]: cosines and sines of the angles; element (token, i) turns the pair (2i, 2i + 1). */
  cos: Float32Array;
  sin: Float32Array;
  /** Turns back. */
  inverse?: boolean;
}

export interface Geglu {
  rows: number;
  width: number;
  /** [rows, 2·width] */
  x: Float32Array;
  /** [rows, width] */
  y: Float32Array;
}
export interface GegluGradients {
  rows: number;
  width: number;
  x: Float32Array;
  dy: Float32Array;
  /** [rows, 2·width]; may be x. */
  dx: Float32Array;
}

export interface AdamWUpdate {
  /** Arrays of the same lengths in all four lists. */
  parameters: readonly Float32Array[];
  gradients: readonly Float32Array[];
  /** The moments. */
  first: readonly Float32Array[];
  second: readonly Float32Array[];
  /** ≥ 1: which update this is. */
  step: number;
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  /** Gradients are multiplied by this first: clipping in the same pass. Default 1. */
  gradientScale?: number;
}
