import type { Tensor } from "@tensorflow/tfjs";

/** x·(1 + scale) + shift. float32; scale and shift are broadcast against x. */
export function modulate(x: Tensor, scale: Tensor, shift: Tensor): Tensor {
  return x.mul(scale.add(1)).add(shift);
}
