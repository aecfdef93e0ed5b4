import type { HeavyKernels } from "./HeavyKernels.ts";
import { numbers } from "./numbers.ts";
import type { RawHeavyKernels } from "./RawHeavyKernels.ts";
import { type Rows, rowsAt } from "./Rows.ts";

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

export function gatedResiduals(raw: RawHeavyKernels): Pick<HeavyKernels, "gatedResidual" | "gatedResidualGradients"> {
  return {
    gatedResidual(options) {
      sizes(options);
      raw.gatedResidual(numbers, options.x, options.y, options.gate.data, options.out);
    },
    gatedResidualGradients(options) {
      const { dOut, y, gate, dy, dGate } = options;
      sizes(options);
      rowsAt(5, dGate);
      raw.gatedResidualGradients(numbers, dOut, y, gate.data, dy ?? null, dGate?.data ?? null);
    },
  };
}

function sizes({ batch, rows, d, gate }: GatedResidual | GatedResidualGradients): void {
  numbers[0] = batch;
  numbers[1] = rows;
  numbers[2] = d;
  rowsAt(3, gate);
}
