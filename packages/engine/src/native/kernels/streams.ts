import type { Rows } from "@etalon/native/tensor";
import type { Frame } from "./Frame.ts";
import { layout } from "./layout.ts";

/** Of [batch, rows, width] the `count` rows of each sample from `first` on. */
export interface Span {
  batch: number;
  /** Of the whole. */
  rows: number;
  first: number;
  count: number;
}

/** The span's rows as an array of their own; the whole's own where they are all of it. */
export function spanOf(frame: Frame, whole: Float32Array, { batch, rows, first, count }: Span): Float32Array {
  if (count === rows) return whole;
  const width = whole.length / (batch * rows);
  const part = frame.scratch(batch * count * width);
  const shape = [batch, count * width];
  frame.light.copy(whole, first * width, part, 0, layout(shape, [rows * width, 1], [count * width, 1]));
  return part;
}

/** Puts the span's rows where they belong. */
export function putSpan(frame: Frame, part: Float32Array, whole: Float32Array, span: Span): void {
  const { batch, rows, first, count } = span;
  const width = part.length / (batch * count);
  const shape = [batch, count * width];
  frame.light.copy(part, 0, whole, first * width, layout(shape, [count * width, 1], [rows * width, 1]));
}

/** Part `i` of a block's adaptive vectors, [batch, parts·d]. */
export const partOf = (vectors: Float32Array, i: number, parts: number, d: number): Rows => ({
  data: vectors,
  offset: i * d,
  stride: parts * d,
});

/** Rows, d wide, each sample's normed with a scale and a shift of its own. */
export interface Modulated {
  batch: number;
  /** Rows a sample. */
  rows: number;
  d: number;
  x: Float32Array;
  scale: Rows;
  shift: Rows;
}

/** LayerNorm(x)·(1 + scale) + shift, with each row's mean and 1/√(variance + epsilon). */
export function modulated(frame: Frame, norm: Modulated, epsilon: number) {
  const rows = norm.batch * norm.rows;
  const [y, mean, rstd] = [frame.scratch(rows * norm.d), frame.scratch(rows), frame.scratch(rows)];
  frame.heavy.layerNorm({ ...norm, epsilon, y, mean, rstd });
  return { y, mean, rstd };
}

/** The gradients of `modulated`: x's, plus a residual, into dx; those of scale and shift into dVectors, where these lie in the vectors. */
export function modulatedGradients(
  frame: Frame,
  norm: Modulated,
  { mean, rstd }: { mean: Float32Array; rstd: Float32Array },
  arrays: { dy: Float32Array; dx?: Float32Array; residual?: Float32Array; dVectors: Float32Array },
): void {
  const { dVectors, ...given } = arrays;
  const { batch, rows, d, x, scale } = norm;
  const [dScale, dShift] = [scale, norm.shift].map((vector) => ({ ...vector, data: dVectors }));
  frame.heavy.layerNormGradients({ batch, rows, d, x, mean, rstd, scale, dScale, dShift, ...given });
}
