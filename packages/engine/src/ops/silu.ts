import type { Tensor } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { checkAlive } from "./checkAlive.ts";
import { fusedElementwise } from "./fusedElementwise.ts";

/** SiLU, x·sigmoid(x), with its exact gradient s·(1 + x·(1 − s)). float32 of any shape. */
export function silu(x: Tensor): Tensor {
  checkAlive("x", x);
  const fused = fusedElementwise("Silu", x);
  if (fused !== undefined) return fused;
  const forward = tf.customGrad((x_, save) => {
    const s = (x_ as Tensor).sigmoid();
    (save as (tensors: Tensor[]) => void)([x_ as Tensor, s]);
    return {
      value: (x_ as Tensor).mul(s),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [input, sigmoid] = saved;
        return dy.mul(sigmoid.mul(input.mul(tf.scalar(1).sub(sigmoid)).add(1)));
      },
    };
  });
  return forward(x);
}
