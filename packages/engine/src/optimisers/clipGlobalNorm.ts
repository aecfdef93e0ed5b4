import { check, EtalonError } from "@etalon/errors";
import type { NamedTensorMap, Tensor } from "@tensorflow/tfjs";
import { inPlace } from "../native/inPlace.ts";
import { tf } from "../tf.ts";

/**
 * Scales gradients so that their global L2 norm is at most `max`, as torch's clip_grad_norm_ does; below it they are given back as they are.
 * @returns `norm` before clipping, and `gradients`: new tensors that the caller disposes; those given are left alone
 * @throws EtalonError NOT_FINITE: a gradient is NaN or infinite
 */
export function clipGlobalNorm(gradients: NamedTensorMap, max: number): { gradients: NamedTensorMap; norm: number } {
  check.range("max", max, { above: 0 });
  const norm = globalNorm(Object.values(gradients));
  if (!Number.isFinite(norm)) {
    const [argument, hint] = ["norm of the gradients", "Lower the learning rate."];
    throw new EtalonError("NOT_FINITE", { argument, value: norm, allowed: "a finite number", hint });
  }
  const factor = norm > max ? max / (norm + 1e-6) : 1;
  const scaled = Object.entries(gradients).map(([name, g]): [string, Tensor] => [
    name,
    factor === 1 ? g.clone() : tf.mul(g, factor),
  ]);
  return { gradients: Object.fromEntries(scaled), norm };
}

function globalNorm(gradients: Tensor[]): number {
  const native = inPlace();
  if (native && gradients.every(({ dtype }) => dtype === "float32"))
    return native.heavy.globalNorm(native.values(gradients));
  const squares = tf.tidy(() => gradients.map((g) => g.square().sum()));
  let total = 0;
  for (const square of squares) {
    total += square.dataSync()[0];
    square.dispose();
  }
  return Math.sqrt(total);
}
