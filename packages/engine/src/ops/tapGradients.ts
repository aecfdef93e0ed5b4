import type { Tensor2D, Tensor4D } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";

/**
 * The gradient of a convolution's filter as a matrix product a tap: the pixels that the tap saw, transposed, times dy. For engines without Conv2DBackpropFilter.
 * @param x  float32 [batch, height, width, inputs]    @param dy  float32 [batch, height', width', outputs]    @returns float32 of the filter's shape
 */
export function tapGradients(
  x: Tensor4D,
  dy: Tensor4D,
  [rows, columns, inputs, outputs]: readonly number[],
  stride: number,
  pad: "same" | "valid",
): Tensor4D {
  const [batch, height, width] = dy.shape;
  const before = pad === "same" ? [(rows - 1) / 2, (columns - 1) / 2] : [0, 0];
  const around = pad === "same" ? tf.pad(x, [[0, 0], [before[0], before[0]], [before[1], before[1]], [0, 0]]) : x; // biome-ignore format: one thought
  const errors = dy.reshape([-1, outputs]) as Tensor2D;
  const taps = Array.from({ length: rows * columns }, (_, tap) => {
    const [top, left] = [Math.floor(tap / columns), tap % columns];
    const seen = tf.stridedSlice(
      around,
      [0, top, left, 0],
      [batch, top + (height - 1) * stride + 1, left + (width - 1) * stride + 1, inputs],
      [1, stride, stride, 1],
    );
    return tf.matMul(seen.reshape([-1, inputs]).transpose() as Tensor2D, errors);
  });
  return tf.stack(taps).reshape([rows, columns, inputs, outputs]) as Tensor4D;
}
