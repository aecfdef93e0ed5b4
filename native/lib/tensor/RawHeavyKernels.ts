/** A float32 array, or none. */
export type Maybe = Float32Array | null;
type List = readonly Float32Array[];

/**
 * The heavy kernels as the addon has them: `numbers` holds sizes, offsets, strides and settings, in the order that the files beside this one write them and
 * native/src/addon/tensor_heavy.cpp reads them; a call reads no further than its own. An array that is not wanted is null.
 */
export interface RawHeavyKernels {
  gemm(
    numbers: Float64Array,
    a: Float32Array,
    b: Float32Array,
    c: Float32Array,
    bias: Maybe,
    preactivation: Maybe,
    residual: Maybe,
  ): void;
  linearGradients(
    numbers: Float64Array,
    dy: Float32Array,
    x: Maybe,
    w: Maybe,
    preactivation: Maybe,
    dx: Maybe,
    dw: Maybe,
    db: Maybe,
  ): void;
  attention(
    numbers: Float64Array,
    q: Float32Array,
    k: Float32Array,
    v: Float32Array,
    bias: Maybe,
    out: Float32Array,
    logSumExp: Maybe,
  ): void;
  attentionGradients(
    numbers: Float64Array,
    q: Float32Array,
    k: Float32Array,
    v: Float32Array,
    bias: Maybe,
    out: Float32Array,
    logSumExp: Float32Array,
    dOut: Float32Array,
    dq: Float32Array,
    dk: Float32Array,
    dv: Float32Array,
  ): void;
  layerNorm(
    numbers: Float64Array,
    x: Float32Array,
    y: Float32Array,
    gain: Maybe,
    bias: Maybe,
    scale: Maybe,
    shift: Maybe,
    mean: Maybe,
    rstd: Maybe,
  ): void;
  layerNormGradients(
    numbers: Float64Array,
    x: Float32Array,
    mean: Float32Array,
    rstd: Float32Array,
    dy: Float32Array,
    gain: Maybe,
    bias: Maybe,
    scale: Maybe,
    dx: Maybe,
    dGain: Maybe,
    dBias: Maybe,
    dScale: Maybe,
    dShift: Maybe,
    residual: Maybe,
  ): void;
  gatedResidual(numbers: Float64Array, x: Float32Array, y: Float32Array, gate: Float32Array, out: Float32Array): void;
  gatedResidualGradients(
    numbers: Float64Array,
    dOut: Float32Array,
    y: Float32Array,
    gate: Float32Array,
    dy: Maybe,
    dGate: Maybe,
  ): void;
  conv2d(
    numbers: Float64Array,
    x: Float32Array,
    filter: Float32Array,
    bias: Maybe,
    y: Float32Array,
    shift: Maybe,
    residual: Maybe,
  ): void;
  conv2dInputGradient(numbers: Float64Array, dy: Float32Array, filter: Float32Array, dx: Float32Array): void;
  conv2dFilterGradient(numbers: Float64Array, x: Float32Array, dy: Float32Array, dFilter: Maybe, dBias: Maybe): void;
  rmsNorm(numbers: Float64Array, x: Float32Array, y: Float32Array, gain: Maybe, rstd: Maybe): void;
  rmsNormGradients(
    numbers: Float64Array,
    x: Float32Array,
    rstd: Float32Array,
    dy: Float32Array,
    gain: Maybe,
    dx: Maybe,
    dGain: Maybe,
  ): void;
  groupNorm(
    numbers: Float64Array,
    x: Float32Array,
    y: Float32Array,
    gain: Maybe,
    bias: Maybe,
    mean: Maybe,
    rstd: Maybe,
  ): void;
  groupNormGradients(
    numbers: Float64Array,
    x: Float32Array,
    mean: Float32Array,
    rstd: Float32Array,
    dy: Float32Array,
    gain: Maybe,
    bias: Maybe,
    dx: Maybe,
    dGain: Maybe,
    dBias: Maybe,
    residual: Maybe,
  ): void;
  rope(numbers: Float64Array, x: Float32Array, y: Float32Array, cos: Float32Array, sin: Float32Array): void;
  geglu(numbers: Float64Array, x: Float32Array, y: Float32Array): void;
  gegluGradients(numbers: Float64Array, x: Float32Array, dy: Float32Array, dx: Float32Array): void;
  unpackBf16(bits: Uint16Array, out: Float32Array): void;
  unpackF16(bits: Uint16Array, out: Float32Array): void;
  adamw(numbers: Float64Array, parameters: List, gradients: List, first: List, second: List): void;
  globalNorm(arrays: List): number;
  scale(arrays: List, factor: number): void;
  ema(averages: List, values: List, decay: number): void;
  /** The names of what a step of a program may be, by their numbers; native/src/addon/program.cpp says how a program is written. */
  steps(): string[];
  run(program: Float64Array, arrays: List): void;
}
