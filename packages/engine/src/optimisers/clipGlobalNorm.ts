import type { NamedTensorMap, Tensor } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { clipFactor } from "./clipFactor.ts";

/**
 * Scales gradients so that their global L2 norm is at most `max`, as torch's clip_grad_norm_ does; below it they are given back as they are. `clipFactor` does without the new tensors.
 * @returns `norm` before clipping, and `gradients`: new tensors that the caller disposes; those given are left alone
 * @throws EtalonError OUT_OF_RANGE; NOT_FINITE: a gradient is NaN or infinite; BAD_TYPE: one was disposed
 */
export function clipGlobalNorm(gradients: NamedTensorMap, max: number): { gradients: NamedTensorMap; norm: number } {
  const { factor, norm } = clipFactor(gradients, max);
  const scaled = Object.entries(gradients).map(([name, g]): [string, Tensor] => [
    name,
    factor === 1 ? g.clone() : tf.mul(g, factor),
  ]);
  return { gradients: Object.fromEntries(scaled), norm };
}
