import type { HeavyKernels } from "./HeavyKernels.ts";
import { numbers } from "./numbers.ts";
import type { RawHeavyKernels } from "./RawHeavyKernels.ts";
import { type Rows, rowsAt } from "./Rows.ts";

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
  /** [batch, rows, d], added to dx; may be dx. */
  residual?: Float32Array;
}

export function layerNorms(raw: RawHeavyKernels): Pick<HeavyKernels, "layerNorm" | "layerNormGradients"> {
  return {
    layerNorm(options) {
      const { x, y, gain, bias, scale, shift, mean, rstd } = options;
      numbers[0] = options.batch;
      numbers[1] = options.rows;
      numbers[2] = options.d;
      numbers[3] = options.epsilon;
      rowsAt(4, scale);
      rowsAt(6, shift);
      raw.layerNorm(
        numbers,
        x,
        y,
        gain ?? null,
        bias ?? null,
        scale?.data ?? null,
        shift?.data ?? null,
        mean ?? null,
        rstd ?? null,
      );
    },
    layerNormGradients(options) {
      const { x, mean, rstd, dy, gain, bias, scale, dx, dGain, dBias, dScale, dShift } = options;
      numbers[0] = options.batch;
      numbers[1] = options.rows;
      numbers[2] = options.d;
      rowsAt(3, scale);
      rowsAt(5, dScale);
      rowsAt(7, dShift);
      raw.layerNormGradients(
        numbers,
        x,
        mean,
        rstd,
        dy,
        gain ?? null,
        bias ?? null,
        scale?.data ?? null,
        dx ?? null,
        dGain ?? null,
        dBias ?? null,
        dScale?.data ?? null,
        dShift?.data ?? null,
        options.residual ?? null,
      );
    },
  };
}
