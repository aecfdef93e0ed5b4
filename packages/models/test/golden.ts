import { type Tensor, tf } from "@etalon/engine";
import { goldenTensors } from "@etalon/testkit";
import { toFloat32 } from "@etalon/weights";

/** The tolerance of goldens: 5e-5 of max(1, |value|). */
export const close = { atol: 5e-5, rtol: 5e-5 };

/** A golden file's tensors as float32, pictures turned from torch's [batch, channels, height, width] to channels last. */
export function goldenCases(file: string) {
  const stored = goldenTensors(file);
  const tensor = (name: string): Tensor => {
    const { dtype, shape, data } = stored.get(name);
    const values = dtype === "I64" ? Float32Array.from(data as BigInt64Array, Number) : toFloat32(stored.get(name));
    const made = tf.tensor(values, [...shape]);
    return shape.length === 4 ? tf.tidy(() => made.transpose([0, 2, 3, 1])) : made;
  };
  const values = (name: string): Float32Array => {
    const made = tensor(name);
    const data = made.dataSync<"float32">().slice();
    made.dispose();
    return data;
  };
  return { names: stored.names, tensor, values, file: (name: string) => toFloat32(stored.get(name)) };
}

/** A tensor's values; the tensor is disposed. */
export function take(tensor: Tensor): Float32Array {
  const values = tensor.dataSync<"float32">().slice();
  tensor.dispose();
  return values;
}
