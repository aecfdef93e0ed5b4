import { check } from "@etalon/errors";
import type { Tensor, Tensor3D, Tensor4D } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { checkShape } from "./checkShape.ts";
import { emptyResult, isEmpty } from "./emptyResult.ts";
import { hasFused, runFused, withGradients } from "./fused.ts";

/**
 * Pixels repeated to another size, as torch's `interpolate(mode="nearest")`: pixel i of n comes from ⌊i·old/n⌋. Its gradient sums what each pixel gave, on every engine alike.
 * @param x  float32 [batch, height, width, channels]    @returns float32 [batch, rows, columns, channels]    @throws EtalonError BAD_SHAPE, BAD_TYPE, OUT_OF_RANGE
 */
export function resizeNearest(x: Tensor, rows: number, columns: number): Tensor4D {
  checkShape("x", x, [null, null, null, null]);
  check.count("rows", rows);
  check.count("columns", columns);
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const shape = [batch, rows, columns, channels];
  if (isEmpty(shape)) return emptyResult(shape, [x]) as Tensor4D;
  return withGradients(
    [x],
    (input) => ({ value: tf.image.resizeNearestNeighbor(input as Tensor4D, [rows, columns]), saved: [] }),
    (dy) => {
      if (hasFused("EtalonResizeNearestGradient") && x.size > 0)
        return [runFused("EtalonResizeNearestGradient", { dy }, { alignCorners: false, halfPixelCenters: false, shape: x.shape })]; // biome-ignore format: a line
      if (rows === 2 * height && columns === 2 * width) {
        const paired = dy.reshape([batch * height, 2, columns * channels]).sum(1);
        return [
          paired
            .reshape([batch * height * width, 2, channels])
            .sum(1)
            .reshape(x.shape),
        ];
      }
      const byRow = tf.matMul(sums(rows, height, batch), dy.reshape([batch, rows, columns * channels]) as Tensor3D);
      const byColumn = tf.matMul(sums(columns, width, batch * height), byRow.reshape([batch * height, columns, channels]) as Tensor3D); // biome-ignore format: one thought
      return [byColumn.reshape(x.shape)];
    },
  ) as Tensor4D;
}

/** [batch, to, from] of 0 and 1: which of the `from` repeated pixels came from which. */
function sums(from: number, to: number, batch: number): Tensor3D {
  const one = new Float32Array(to * from);
  const scale = Math.fround(to / from);
  for (let i = 0; i < from; i++) one[Math.min(to - 1, Math.floor(Math.fround(i * scale))) * from + i] = 1;
  return tf.tile(tf.tensor3d(one, [1, to, from]), [batch, 1, 1]);
}
