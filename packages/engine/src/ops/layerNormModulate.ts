import type { Tensor } from "@tensorflow/tfjs";
import { layerNorm } from "./layerNorm.ts";
import { modulate } from "./modulate.ts";

/** layerNorm(x)·(1 + scale) + shift: the adaptive normalisation of DiT and FLUX blocks. float32; x [..., d]; scale and shift are broadcast against x; epsilon > 0. */
export function layerNormModulate(x: Tensor, scale: Tensor, shift: Tensor, epsilon?: number): Tensor {
  return modulate(layerNorm(x, epsilon), scale, shift);
}
