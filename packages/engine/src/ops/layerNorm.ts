import { check } from "@etalon/errors";
import type { Tensor } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { checkAlive } from "./checkAlive.ts";
import { checkShape } from "./checkShape.ts";
import { emptyResult } from "./emptyResult.ts";
import { fusedLayerNorm } from "./fusedLayerNorm.ts";

/** What a layer norm does after normalising: ·gain + bias, float32 [d] each. */
export interface AffineNorm {
  gain: Tensor;
  bias: Tensor;
  /** > 0; default 1e-5, as torch's. */
  epsilon?: number;
}

/**
 * Layer normalisation over the last axis, (x − mean)/√(variance + epsilon), then ·gain + bias where they are given, with its exact gradient in few kernels.
 * @param x  float32 [..., d]    @param epsilon  > 0    @throws EtalonError OUT_OF_RANGE, BAD_SHAPE
 */
export function layerNorm(x: Tensor, epsilon = 1e-6, affine?: Pick<AffineNorm, "gain" | "bias">): Tensor {
  check.range("epsilon", epsilon, { above: 0 });
  checkAlive("x", x);
  if (affine) for (const name of ["gain", "bias"] as const) checkShape(name, affine[name], x.shape.slice(-1));
  if (x.size === 0) return emptyResult(x.shape, [x, affine?.gain, affine?.bias]);
  const fused = fusedLayerNorm(x, epsilon, undefined, affine);
  if (fused !== undefined) return fused;
  const normal = plainLayerNorm(x, epsilon);
  return affine ? normal.mul(affine.gain).add(affine.bias) : normal;
}

function plainLayerNorm(x: Tensor, epsilon: number): Tensor {
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
