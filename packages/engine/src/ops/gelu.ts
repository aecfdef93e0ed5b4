import type { Tensor } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { checkAlive } from "./checkAlive.ts";
import { fusedElementwise } from "./fusedElementwise.ts";

const slope = 2 * Math.sqrt(2 / Math.PI);
const cubic = 0.044715;

/**
 * GELU in its tanh form, ½x(1 + tanh u) with u = √(2/π)(x + 0.044715x³), as FLUX uses it (Hendrycks & Gimpel, arXiv:1606.08415). Computed as x·σ(2u), which is the same, with
 * its exact gradient. float32 of any shape.
 */
export function gelu(x: Tensor): Tensor {
  checkAlive("x", x);
  const fused = fusedElementwise("Gelu", x);
  if (fused !== undefined) return fused;
  const forward = tf.customGrad((x_, save) => {
    const input = x_ as Tensor;
    const s = input.square().mul(cubic).add(1).mul(input).mul(slope).sigmoid();
    (save as (tensors: Tensor[]) => void)([input, s]);
    return {
      value: input.mul(s),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [at, sigmoid] = saved;
        const du = at
          .square()
          .mul(3 * cubic)
          .add(1)
          .mul(slope);
        return dy.mul(sigmoid.mul(at.mul(du).mul(tf.scalar(1).sub(sigmoid)).add(1)));
      },
    };
  });
  return forward(x);
}
