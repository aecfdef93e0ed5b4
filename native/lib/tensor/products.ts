import { type Activation, activationNumber } from "./Activation.ts";
import type { HeavyKernels } from "./HeavyKernels.ts";
import { numbers } from "./numbers.ts";
import type { RawHeavyKernels } from "./RawHeavyKernels.ts";

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
  /** c = the product (+ bias) + residual, an array laid out as c, with c's offset, strides and length. Not with an activation or accumulate. */
  residual?: Float32Array;
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

export function products(raw: RawHeavyKernels): Pick<HeavyKernels, "gemm" | "linearGradients"> {
  return {
    gemm(options) {
      const {
        a,
        b,
        c,
        m,
        n,
        k,
        transposeA = false,
        transposeB = false,
        bias,
        activation = "none",
        preactivation,
      } = options;
      const { lda = transposeA ? m : k, ldb = transposeB ? k : n, ldc = n } = options;
      const { aStride = (transposeA ? k : m) * lda, bStride = (transposeB ? n : k) * ldb, cStride = m * ldc } = options;
      numbers[0] = m;
      numbers[1] = n;
      numbers[2] = k;
      numbers[3] = options.batch ?? 1;
      numbers[4] = +transposeA;
      numbers[5] = +transposeB;
      numbers[6] = activationNumber(activation);
      numbers[7] = +(options.accumulate ?? false);
      numbers[8] = options.aOffset ?? 0;
      numbers[9] = lda;
      numbers[10] = aStride;
      numbers[11] = options.bOffset ?? 0;
      numbers[12] = ldb;
      numbers[13] = bStride;
      numbers[14] = options.cOffset ?? 0;
      numbers[15] = ldc;
      numbers[16] = cStride;
      raw.gemm(numbers, a, b, c, bias ?? null, preactivation ?? null, options.residual ?? null);
    },
    linearGradients(options) {
      const { rows, inputs, outputs, dy, x, w, preactivation, dx, dw, db, activation = "none" } = options;
      numbers[0] = rows;
      numbers[1] = inputs;
      numbers[2] = outputs;
      numbers[3] = activationNumber(activation);
      numbers[4] = +(options.accumulateDx ?? false);
      numbers[5] = +(options.accumulate ?? false);
      numbers[6] = options.dyOffset ?? 0;
      numbers[7] = options.lddy ?? outputs;
      numbers[8] = options.xOffset ?? 0;
      numbers[9] = options.ldx ?? inputs;
      numbers[10] = options.dxOffset ?? 0;
      numbers[11] = options.lddx ?? inputs;
      raw.linearGradients(numbers, dy, x ?? null, w ?? null, preactivation ?? null, dx ?? null, dw ?? null, db ?? null);
    },
  };
}
