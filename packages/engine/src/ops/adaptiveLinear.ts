import { check } from "@etalon/errors";
import type { Tensor } from "@tensorflow/tfjs";
import { adaptiveVectors, rowsFrom } from "./adaptiveRows.ts";
import { checkShape } from "./checkShape.ts";
import { hasFused } from "./fused.ts";
import { fusedLayer } from "./fusedLayer.ts";
import { checkLayer, type LinearLayer, plainLayer } from "./LayerTensors.ts";
import { layerNormModulate } from "./layerNormModulate.ts";

export interface AdaptiveLinearTensors {
  /** From the condition to two vectors of d: scale, shift. */
  norm: LinearLayer;
  out: LinearLayer;
}

/**
 * The end of a DiT, out(LayerNorm(x)·(1 + scale) + shift) of each sample's rows but the first `skip` (diffusers' AdaLayerNormContinuous and proj_out), with its exact gradient: one
 * kernel each way on the native engine.
 * @param x  float32 [batch, rows, d]    @param condition  float32 [batch, width]    @param options  skip: 0 to rows − 1, default 0; epsilon > 0, default 1e-6
 * @returns float32 [batch, rows − skip, outputs]    @throws EtalonError BAD_SHAPE, BAD_TYPE, OUT_OF_RANGE
 */
export function adaptiveLinear(x: Tensor, condition: Tensor, { norm, out }: AdaptiveLinearTensors, { skip = 0, epsilon = 1e-6 } = {}): Tensor {
  checkShape("x", x, [null, null, null]);
  const [batch, rows, d] = x.shape as [number, number, number];
  checkShape("condition", condition, [batch, null]);
  checkLayer("norm", norm, condition.shape[1] as number, 2 * d);
  checkLayer("out", out, d, null);
  check.range("skip", skip, { min: 0, max: Math.max(0, rows - 1), integer: true });
  check.range("epsilon", epsilon, { above: 0 });
  if (hasFused("EtalonAdaptiveLinear") && x.size > 0) {
    return fusedLayer("EtalonAdaptiveLinear", { x, condition }, { norm, out }, { skip, epsilon });
  }
  const [scale, shift] = adaptiveVectors(condition, norm, 2);
  return plainLayer(layerNormModulate(rowsFrom(x, skip, rows - skip), scale, shift, epsilon), out);
} // biome-ignore format: long lines
