import type { Tensor } from "@tensorflow/tfjs";
import { NativeBackend, sizeOf } from "./native/NativeBackend.ts";
import { tf } from "./tf.ts";

/**
 * New float32 tensors whose values `write` puts in: on the native engine straight into their memory, elsewhere into arrays that are copied.
 * @param write  is given an array a shape, holding anything; it writes all of them, runs no operation, and keeps none. Where it throws, no tensor is left
 */
export function writtenTensors(shapes: readonly number[][], write: (...values: Float32Array[]) => void): Tensor[] {
  const backend = tf.backend();
  if (backend instanceof NativeBackend) {
    const infos = backend.written(shapes, write);
    return infos.map((info) => tf.engine().makeTensorFromTensorInfo(info, backend));
  }
  const values = shapes.map((shape) => new Float32Array(sizeOf(shape)));
  write(...values);
  return values.map((array, i) => tf.tensor(array, shapes[i]));
}
