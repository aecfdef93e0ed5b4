import { check } from "@etalon/errors";
import type { Tensor } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { fusedLayerNorm } from "./fusedLayerNorm.ts";

/**
 * Layer normalisation over the last axis without affine parameters, (x − mean)/√(variance + epsilon), with its exact gradient in few kernels.
 * @param x  float32 [..., d]    @param epsilon  > 0    @throws EtalonError OUT_OF_RANGE
 */
export function layerNorm(x: Tensor, epsilon = 1e-6): Tensor {
  check.range("epsilon", epsilon, { above: 0 });
  const fused = fusedLayerNorm(x, epsilon);
  if (fused !== undefined) return fused;
  const forward = tf.customGrad((x_, save) => {
    const centred = (x_ as Tensor).sub((x_ as Tensor).mean(-1, true));
    const inverse = centred.square().mean(-1, true).add(epsilon).rsqrt();
    const y = centred.mul(inverse);
    (save as (tensors: Tensor[]) => void)([y, inverse]);
    return {
      value: y,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [normal, factor] = saved;
        const along = normal.mul(dy.mul(normal).mean(-1, true));
        return dy.sub(dy.mean(-1, true)).sub(along).mul(factor);
      },
    };
  });
  return forward(x);
}
