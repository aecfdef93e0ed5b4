import { loadBinding } from "../loader.ts";

/** The element types of the light kernels: float32, int32, bool. */
export type LightArray = Float32Array | Int32Array | Uint8Array;

/**
 * The light kernels of the tensor engine and its memory, as the addon gives them: `lightKernels()` is the way to them; there are none in the portable form.
 *
 * What holds for all: row-major, contiguous, results go into the caller's arrays, outputs share no memory with inputs. Lengths, kinds and offsets are checked; what a shape
 * means is the caller's. NaN, ties and zeros as in tfjs's JavaScript kernels. Results have the same bits for any thread count.
 * A layout is a Float64Array [rank, shape …, strides of the first …, strides of the second …] in elements; rank ≤ 8; a stride of 0 broadcasts.
 */
export interface LightKernels {
  /** 64-byte aligned memory, not zeroed. @param bytes  a multiple of 64 above 0    @throws Error whose code is ETALON_OUT_OF_MEMORY, or ETALON_UNSUPPORTED: this runtime allows none */
  allocate(bytes: number): ArrayBuffer;
  /** Frees what `allocate` gave, at once; its views have length 0 from then on. A buffer that is never released is freed when it is collected. */
  release(buffer: ArrayBuffer): void;
  /** Bytes that the process holds by `allocate`, over all its threads. */
  allocated(): number;
  /** The names of the operations by their numbers; `_i32` and `_u8` mark other operands than float32. */
  operations(): { unary: string[]; binary: string[] };
  /** y = f(x; a, b). The numbers are the bounds of a clip, the slope of a leakyRelu, the low value of a step. */
  unary(operation: number, x: LightArray, y: LightArray, a?: number, b?: number): void;
  /** out = f(left, right) over the layout's space, which is out's. */
  binary(operation: number, left: LightArray, right: LightArray, out: LightArray, layout: Float64Array): void;
  /** out[i] = condition[⌊i / repeat⌋] ? yes[i] : no[i] */
  select(condition: Uint8Array, repeat: number, yes: LightArray, no: LightArray, out: LightArray): void;
  fill(out: LightArray, value: number): void;
  /** x [outer, n, inner] over its middle axis into y [outer, inner]; n ≥ 1. Of bool, max is any and min is all. `mean` is of float32. */
  reduce(kind: Reduction, x: LightArray, y: LightArray, outer: number, n: number, inner: number): void;
  /** Index of the first extreme. */
  argExtreme(largest: boolean, x: Float32Array, y: Int32Array, outer: number, n: number, inner: number): void;
  softmax(x: Float32Array, y: Float32Array, rows: number, n: number, logarithm: boolean): void;
  /** Running sums or products along the last axis. */
  cumulate(
    product: boolean,
    exclusive: boolean,
    reverse: boolean,
    x: Float32Array,
    y: Float32Array,
    rows: number,
    n: number,
  ): void;
  /** target[to + index·strides] = source[from + index·strides]; the source's strides may be negative. */
  copy(source: LightArray, from: number, target: LightArray, to: number, layout: Float64Array): void;
  /**
   * Rows [first, first + rows) of a weight as checkpoints have it, [outputs, inputs, taps], into the whole as products and convolutions take it, [taps, inputs, outputs]. Of a linear
   * layer `taps` is 1. @param x  [rows, inputs, taps]: float32, or 16-bit words of any meaning
   */
  turn<T extends Float32Array | Uint16Array>(
    x: T,
    y: T,
    rows: number,
    inputs: number,
    taps: number,
    outputs: number,
    first: number,
  ): void;
  /** Where the first NaN or infinity of x stands; −1: there is none. @param kind  of `floatKinds`: what the bits mean */
  firstNotFinite(kind: FloatKind, x: Float32Array | Uint16Array): number;
  /** y[b, o, i, :] = x[b, o, at[b, i], :]. @returns where in `at` the first index outside [0, axis) stands, and nothing is written then; −1: all are inside */
  gather(
    x: LightArray,
    at: Int32Array,
    y: LightArray,
    batch: number,
    outer: number,
    axis: number,
    inner: number,
    indices: number,
  ): number;
  /** y [segments, inner] = the sums of the rows of x that `at` sends there; rows sent elsewhere are left out. */
  segmentSum(x: Float32Array, at: Int32Array, y: Float32Array, rows: number, inner: number, segments: number): void;
  /** Pictures x [batch, rows, columns, channels] to y [batch, toRows, toColumns, channels], no extent 0: bilinear of float32, with the bits of tfjs's JavaScript kernel, or the nearest pixel of float32 or int32. */
  resize(bilinear: boolean, x: Float32Array | Int32Array, y: Float32Array | Int32Array, ...how: Resizing): void;
  /** dx [batch, rows, columns, channels]: the transpose of `resize`, also with halfPixelCenters, where tfjs's own gradient takes other pixels. */
  resizeGradient(bilinear: boolean, dy: Float32Array, dx: Float32Array, ...how: Resizing): void;
}

/** alignCorners and halfPixelCenters as tfjs's resizes take them; not both. */
type Resizing = [
  batch: number,
  rows: number,
  columns: number,
  toRows: number,
  toColumns: number,
  channels: number,
  alignCorners: boolean,
  halfPixelCenters: boolean,
];

/** The reductions' numbers. */
export const reductions = { sum: 0, mean: 1, prod: 2, max: 3, min: 4 } as const;
type Reduction = (typeof reductions)[keyof typeof reductions];

/** The numbers of what floating-point bits mean, for `firstNotFinite`; F16 and BF16 are words of a Uint16Array. */
export const floatKinds = { F16: 0, BF16: 1, F32: 2 } as const;
type FloatKind = (typeof floatKinds)[keyof typeof floatKinds];

/** The light tensor kernels of this process's addon; undefined in the portable form, which has none. */
export const lightKernels = (): LightKernels | undefined => loadBinding().light;
