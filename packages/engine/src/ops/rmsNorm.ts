import { check } from "@etalon/errors";
import type { Tensor } from "@tensorflow/tfjs";
import { checkShape } from "./checkShape.ts";
import { emptyResult } from "./emptyResult.ts";
import { hasFused, isTaped, runFused, withGradients } from "./fused.ts";

/**
 * Root-mean-square normalisation over the last axis, x/√(mean of x² + epsilon)·gain (arXiv:1910.07467), with its exact gradient.
 * @param x  float32 [..., d]    @param gain  float32 [d], or none    @param epsilon  > 0    @throws EtalonError BAD_SHAPE, BAD_TYPE, OUT_OF_RANGE
 */
export function rmsNorm(x: Tensor, gain?: Tensor, epsilon = 1e-6): Tensor {
  check.range("epsilon", epsilon, { above: 0 });
  checkShape("x", x, x.shape);
  if (gain !== undefined) checkShape("gain", gain, [x.shape[x.rank - 1] as number]);
  if (x.size === 0) return emptyResult(x.shape, [x, gain]);
  if (!hasFused("EtalonRmsNorm")) {
    const y = x.mul(x.square().mean(-1, true).add(epsilon).rsqrt());
    return gain === undefined ? y : y.mul(gain);
  }
  if (!isTaped()) return runFused<Tensor[]>("EtalonRmsNorm", { x, gain }, { epsilon, keep: false })[0];
  return withGradients(
    gain === undefined ? [x] : [x, gain],
    () => {
      const [value, rstd] = runFused<Tensor[]>("EtalonRmsNorm", { x, gain }, { epsilon, keep: true });
      return { value, saved: gain === undefined ? [x, rstd] : [x, rstd, gain] };
    },
    (dy, [input, rstd, factor]) => runFused<Tensor[]>("EtalonRmsNormGradients", { x: input, rstd, dy, gain: factor }),
  );
}
