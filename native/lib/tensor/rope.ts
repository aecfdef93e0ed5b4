import type { Heads } from "./attention.ts";

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
