import { check } from "@etalon/errors";
import type { Tensor } from "@tensorflow/tfjs";
import { checkAlive } from "./checkAlive.ts";
import { emptyResult } from "./emptyResult.ts";
import { fusedLayerNorm, isRowABatch } from "./fusedLayerNorm.ts";
import { layerNorm } from "./layerNorm.ts";
import { modulate } from "./modulate.ts";

/**
 * layerNorm(x)·(1 + scale) + shift: the adaptive normalisation of DiT and FLUX blocks, with its exact gradient. float32; x [..., d]; scale and shift are broadcast against x;
 * [batch, 1, d] beside [batch, rows, d] is one kernel each way on the native engine. epsilon > 0.   @throws EtalonError OUT_OF_RANGE
 */
export function layerNormModulate(x: Tensor, scale: Tensor, shift: Tensor, epsilon = 1e-6): Tensor {
  check.range("epsilon", epsilon, { above: 0 });
  checkAlive("x", x);
  checkAlive("scale", scale);
  checkAlive("shift", shift);
  const isRow = isRowABatch(x, scale) && isRowABatch(x, shift);
  if (x.size === 0 && isRow) return emptyResult(x.shape, [x, scale, shift]);
  return fusedLayerNorm(x, epsilon, { scale, shift }) ?? modulate(layerNorm(x, epsilon), scale, shift);
}
