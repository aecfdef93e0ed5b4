import { check, EtalonError } from "@etalon/errors";
import type { NamedTensorMap, Tensor } from "@tensorflow/tfjs";
import { inPlace } from "../native/inPlace.ts";
import { checkAlive } from "../ops/checkAlive.ts";
import { tf } from "../tf.ts";

/**
 * What gradients are to be multiplied by so that their global L2 norm is at most `max`, as torch's clip_grad_norm_ has it; 1 where it is. For `AdamW.step`, which multiplies as it reads.
 * @returns `norm` before clipping, and `factor`    @throws EtalonError OUT_OF_RANGE; NOT_FINITE: a gradient is NaN or infinite; BAD_TYPE: one was disposed
 */
export function clipFactor(gradients: NamedTensorMap, max: number): { factor: number; norm: number } {
  check.range("max", max, { above: 0 });
  for (const [name, gradient] of Object.entries(gradients)) checkAlive(`gradient ${name}`, gradient);
  const norm = globalNorm(Object.values(gradients));
  if (!Number.isFinite(norm)) {
    const [argument, hint] = ["norm of the gradients", "Lower the learning rate."];
    throw new EtalonError("NOT_FINITE", { argument, value: norm, allowed: "a finite number", hint });
  }
  return { factor: norm > max ? max / (norm + 1e-6) : 1, norm };
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
