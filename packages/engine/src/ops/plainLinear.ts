import type { Tensor, Tensor2D } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { emptyResult, isEmpty } from "./emptyResult.ts";
import { isFrozen } from "./isFrozen.ts";

type Save = (tensors: Tensor[]) => void;

/**
 * x·w + b of TensorFlow.js's own kernels, with its exact gradient. Written for the wasm backend, whose matrix product is about eight times faster without its transpose
 * flags: the gradients transpose first, then multiply. Shapes are checked by `linear`.
 */
export function plainLinear(x: Tensor, w: Tensor2D, b?: Tensor): Tensor {
  const [inputs, outputs] = w.shape;
  const outer = x.shape.slice(0, -1);
  if (isEmpty([...outer, outputs])) return emptyResult([...outer, outputs], [x, w, b]);
  if (inputs === 0) {
    const nothing = emptyResult([...outer, outputs], [x, w]);
    return b === undefined ? nothing : nothing.add(b);
  }
  const rows = x.reshape([outer.reduce((product, extent) => product * extent, 1), inputs]) as Tensor2D;
  return product(rows, w, b).reshape([...outer, outputs]);
}

function product(rows: Tensor2D, w: Tensor2D, b?: Tensor): Tensor {
  if (!isFrozen(w)) return trainable(rows, w, b ?? tf.zeros([w.shape[1]]));
  return b === undefined || isFrozen(b) ? frozen(rows, w, b) : frozen(rows, w).add(b);
}

/** With the gradient of x alone. */
function frozen(rows: Tensor2D, w: Tensor2D, bias?: Tensor): Tensor {
  const forward = tf.customGrad((...args) => {
    const [x, save] = args as unknown as [Tensor2D, Save];
    save([w]); // one that was unpacked for this product is gone when the gradient is asked for
    return {
      value: tf.fused.matMul({ a: x, b: w, bias }),
      gradFunc: (dy: Tensor, [factor]: Tensor[]) => tf.matMul(dy as Tensor2D, (factor as Tensor2D).transpose()),
    };
  });
  return forward(rows);
}

function trainable(rows: Tensor2D, w: Tensor2D, bias: Tensor): Tensor {
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
