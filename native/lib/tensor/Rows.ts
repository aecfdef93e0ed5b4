import { numbers } from "./numbers.ts";

/** One row of d elements a batch: data[offset + b·stride + i]; a part of a block's adaptive-norm vector, say. A stride of 0 shares one row (inputs only). */
export interface Rows {
  data: Float32Array;
  offset?: number;
  stride: number;
}

/** Writes where the rows lie. */
export function rowsAt(at: number, rows: Rows | undefined): void {
  numbers[at] = rows?.offset ?? 0;
  numbers[at + 1] = rows?.stride ?? 0;
}
