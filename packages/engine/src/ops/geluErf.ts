import type { Tensor } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { checkAlive } from "./checkAlive.ts";
import { fusedElementwise } from "./fusedElementwise.ts";

/** GELU in its exact form, x·Φ(x) = ½x(1 + erf(x/√2)), as BERT, CLIP and diffusers' U-Nets use it (arXiv:1606.08415), with its exact gradient Φ + x·φ. float32 of any shape. */
export function geluErf(x: Tensor): Tensor {
  checkAlive("x", x);
  const fused = fusedElementwise("GeluErf", x);
  if (fused !== undefined) return fused;
  const forward = tf.customGrad((x_, save) => {
    const input = x_ as Tensor;
    const phi = input.mul(Math.SQRT1_2).erf().add(1).mul(0.5);
    (save as (tensors: Tensor[]) => void)([input, phi]);
    return {
      value: input.mul(phi),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [at, share] = saved;
        const density = at
          .square()
          .mul(-0.5)
          .exp()
          .mul(1 / Math.sqrt(2 * Math.PI));
        return dy.mul(share.add(at.mul(density)));
      },
    };
  });
  return forward(x);
}
