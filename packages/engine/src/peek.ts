import type { Tensor } from "@tensorflow/tfjs";
import { NativeBackend } from "./native/NativeBackend.ts";
import { tf } from "./tf.ts";

/**
 * A float32 tensor's values without a copy where that can be: on the native engine its own memory, elsewhere what `dataSync` gives. They are only to be read, and only as long
 * as the tensor is alive: its memory is used again.
 */
export function peek(tensor: Tensor): Float32Array {
  const backend = tf.backend();
  return backend instanceof NativeBackend ? backend.values(tensor, "float32") : tensor.dataSync<"float32">();
}
