import type { Tensor, Tensor2D } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";

type Save = (tensors: Tensor[]) => void;

/**
 * y = x·w + b with its exact gradient. Written for the wasm backend, whose matrix product is about eight times faster without its transpose flags: the gradients
 * transpose first, then multiply. A variable that is not trainable gets no gradient, and none is computed for it.
 * @param x  float32 [..., inputs]    @param w  float32 [inputs, outputs]    @param b  float32 [outputs], or none
 * @returns float32 [..., outputs]
 */
export function linear(x: Tensor, w: Tensor2D, b?: Tensor): Tensor {
  const [inputs, outputs] = w.shape;
  const rows = x.reshape([x.size / inputs, inputs]);
  const y = isFrozen(w) ? project(rows, w, b) : trainable(rows, w, b ?? tf.zeros([outputs]));
  return y.reshape([...x.shape.slice(0, -1), outputs]);
}

const isFrozen = (w: Tensor): boolean => w instanceof tf.Variable && !w.trainable;

/** With the gradient of x alone. */
function project(rows: Tensor, w: Tensor2D, bias?: Tensor): Tensor {
  const forward = tf.customGrad((x) => ({
    value: tf.fused.matMul({ a: x as Tensor2D, b: w, bias }),
    gradFunc: (dy: Tensor) => tf.matMul(dy as Tensor2D, w.transpose()),
  }));
  return forward(rows);
}

function trainable(rows: Tensor, w: Tensor2D, bias: Tensor): Tensor {
  const forward = tf.customGrad((...args) => {
    const [x, weight, b, save] = args as unknown as [Tensor2D, Tensor2D, Tensor, Save];
    save([x, weight]);
    return {
      value: tf.fused.matMul({ a: x, b: weight, bias: b }),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [input, factor] = saved as Tensor2D[];
        const ones = tf.ones([1, dy.shape[0]]) as Tensor2D;
        return [
          tf.matMul(dy as Tensor2D, factor.transpose()),
          tf.matMul(input.transpose(), dy as Tensor2D),
          tf.matMul(ones, dy as Tensor2D).reshape([factor.shape[1]]),
        ];
      },
    };
  });
  return forward(rows, w, bias);
}
