import type { Tensor } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { NativeBackend } from "./NativeBackend.ts";

/** A tensor of the native engine, its memory written by `write`; undefined where another engine runs. Where `write` throws, the memory is given back. */
export function writtenNative(shape: number[], write: (values: Float32Array) => void): Tensor | undefined {
  const backend = tf.backend();
  if (!(backend instanceof NativeBackend)) return undefined;
  const { info } = backend.attempt(() => {
    const output = backend.output(shape, "float32");
    write(output.values);
    return output;
  });
  return tf.engine().makeTensorFromTensorInfo(info, backend);
}
