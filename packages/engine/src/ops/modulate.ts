import type { Tensor } from "@tensorflow/tfjs";
import { checkAlive } from "./checkAlive.ts";
import { emptyResult } from "./emptyResult.ts";

/** x·(1 + scale) + shift. float32; scale and shift are broadcast against x. */
export function modulate(x: Tensor, scale: Tensor, shift: Tensor): Tensor {
  checkAlive("x", x);
  checkAlive("scale", scale);
  checkAlive("shift", shift);
  if (x.size === 0) return emptyResult(x.shape, [x, scale, shift]);
  return x.mul(scale.add(1)).add(shift);
}
