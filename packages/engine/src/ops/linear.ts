import type { Tensor, Tensor2D } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";

/**
 * y = x·w + b with its exact gradient. Written for the wasm backend, whose matrix product is about eight times faster without its transpose flags: the gradients
 * transpose first, then multiply.
 * @param x  float32 [..., inputs]    @param w  float32 [inputs, outputs]    @param b  float32 [outputs], or none
 * @returns float32 [..., outputs]
 */
export function linear(x: Tensor, w: Tensor2D, b?: Tensor): Tensor {
  const [inputs, outputs] = w.shape;
  const shape = [...x.shape.slice(0, -1), outputs];
  const rows = x.as2D(x.size / inputs, inputs);
  const forward = tf.customGrad((rows_, w_, b_, save) => {
    const [x2, w2, bias] = [rows_ as Tensor2D, w_ as Tensor2D, b_ as Tensor];
    (save as (tensors: Tensor[]) => void)([x2, w2]);
    const value = tf.fused.matMul({ a: x2, b: w2, bias });
    return {
      value,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [a, weight] = saved as Tensor2D[];
        return [
          tf.matMul(dy as Tensor2D, weight.transpose()),
          tf.matMul(a.transpose(), dy as Tensor2D),
          tf.matMul(tf.ones([1, dy.shape[0]]), dy as Tensor2D).reshape([outputs]),
        ];
      },
    };
  });
  return forward(rows, w, b ?? tf.zeros([outputs])).reshape(shape);
}
