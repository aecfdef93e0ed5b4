import type { Tensor, Tensor4D } from "@tensorflow/tfjs";
import { attention, conv2d, layerNorm, linear, tf } from "../../src/index.ts";

/** A small network's loss and its gradients, forward and backward on whichever engine runs: products, attention, a convolution, a norm; large enough for the pool's threads. */
export function trainingStep(seed: number): Float32Array {
  const made = tf.tidy(() => {
    const draw = (shape: number[], salt: number) => tf.sin(tf.range(0, tf.util.sizeFromShape(shape)).mul(1.7).add(salt)).reshape(shape); // biome-ignore format: a line
    const loss = (x: Tensor, w: Tensor, b: Tensor, filter: Tensor) => {
      const y = linear(layerNorm(x), w as never, b, "gelu").reshape([4, 64, 4, 32]);
      const heads = y.transpose([0, 2, 1, 3]) as Tensor4D;
      const pixels = attention(heads, heads, heads).reshape([4, 16, 16, 32]);
      return conv2d(pixels, filter as Tensor4D, undefined, { pad: [1, 1, 1, 1] })
        .square()
        .mean();
    };
    const inputs = [draw([4, 64, 96], seed), draw([96, 128], 2), draw([128], 3), draw([3, 3, 32, 16], 4)];
    const gradients = tf.grads(loss as (...inputs: Tensor[]) => Tensor)(inputs);
    return tf.concat([loss(...(inputs as [Tensor, Tensor, Tensor, Tensor])), ...gradients].map((t) => t.flatten()));
  });
  const values = Float32Array.from(made.dataSync());
  made.dispose();
  return values;
}
