import type { Tensor } from "@tensorflow/tfjs";
import { writtenNative } from "../native/writtenNative.ts";
import { tf } from "../tf.ts";

/**
 * A float32 tensor whose values `write` puts where they will lie: on the native engine its own memory, elsewhere an array that the engine copies.
 * @param write  has to write every element: they hold anything before. Where it throws, there is no tensor
 */
export function written(shape: number[], write: (values: Float32Array) => void): Tensor {
  const native = writtenNative(shape, write);
  if (native !== undefined) return native;
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  write(values);
  return tf.tensor(values, shape, "float32");
}
