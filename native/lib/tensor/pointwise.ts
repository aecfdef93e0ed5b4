import { type Heads, headsAt } from "./attention.ts";
import type { HeavyKernels } from "./HeavyKernels.ts";
import { numbers } from "./numbers.ts";
import type { RawHeavyKernels } from "./RawHeavyKernels.ts";

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

type Pointwise = Pick<HeavyKernels, "rope" | "geglu" | "gegluGradients" | "unpack">;

export function pointwise(raw: RawHeavyKernels): Pointwise {
  return {
    rope({ batch, tokens, heads, depth, x, y, cos, sin, inverse = false }) {
      numbers[0] = batch;
      numbers[1] = tokens;
      numbers[2] = heads;
      numbers[3] = depth;
      numbers[4] = +inverse;
      headsAt(5, x);
      headsAt(9, y);
      raw.rope(numbers, x.data, y.data, cos, sin);
    },
    geglu({ rows, width, x, y }) {
      numbers[0] = rows;
      numbers[1] = width;
      raw.geglu(numbers, x, y);
    },
    gegluGradients({ rows, width, x, dy, dx }) {
      numbers[0] = rows;
      numbers[1] = width;
      raw.gegluGradients(numbers, x, dy, dx);
    },
    unpack: (kind, bits, out) => (kind === "bf16" ? raw.unpackBf16(bits, out) : raw.unpackF16(bits, out)),
  };
}
