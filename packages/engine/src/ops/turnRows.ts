import { EtalonError } from "@etalon/errors";
import { lightKernels } from "@etalon/native/tensor";

/** A weight's sizes as checkpoints have it, [outputs, inputs, taps], and which of its outputs: `rows` of them from `first`. Of a linear layer `taps` is 1. */
export interface TurnSizes {
  rows: number;
  inputs: number;
  taps: number;
  outputs: number;
  first: number;
}

/**
 * Rows of a weight as checkpoints have it into the whole weight as products and convolutions take it: y[t, i, first + o] = x[o, i, t]. The addon turns them where it is there, on every
 * engine.
 * @param x  [rows, inputs, taps]: float32, or 16-bit words of any meaning    @param y  [taps, inputs, outputs], of the same kind    @throws EtalonError BAD_SHAPE
 */
export function turnRows<T extends Float32Array | Uint16Array>(x: T, y: T, sizes: TurnSizes): void {
  const { rows, inputs, taps, outputs, first } = sizes;
  if (x.length !== rows * inputs * taps || y.length !== outputs * inputs * taps || first + rows > outputs) {
    const allowed = "rows of x and outputs of y, of inputs·taps elements each";
    throw new EtalonError("BAD_SHAPE", { argument: "sizes", value: { ...sizes, x: x.length, y: y.length }, allowed });
  }
  const light = lightKernels();
  if (light?.turn !== undefined) light.turn(x, y, rows, inputs, taps, outputs, first);
  else turnInJavaScript(x, y, sizes);
}

const edge = 32;

/** In squares that stay in the cache: read along rows, written along columns. */
export function turnInJavaScript<T extends Float32Array | Uint16Array>(x: T, y: T, sizes: TurnSizes): void {
  const { rows, inputs, taps, outputs, first } = sizes;
  const columns = inputs * taps;
  for (let left = 0; left < columns; left += edge) {
    const right = Math.min(left + edge, columns);
    for (let top = 0; top < rows; top += edge) {
      const bottom = Math.min(top + edge, rows);
      for (let j = left; j < right; j++) {
        let to = ((j % taps) * inputs + Math.floor(j / taps)) * outputs + first + top;
        for (let from = top * columns + j; from < bottom * columns; from += columns) y[to++] = x[from];
      }
    }
  }
}
