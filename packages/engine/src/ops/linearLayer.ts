import type { Tensor } from "@tensorflow/tfjs";
import { checkShape } from "./checkShape.ts";
import { emptyResult, isEmpty } from "./emptyResult.ts";
import { hasFused } from "./fused.ts";
import { fusedLayer } from "./fusedLayer.ts";
import { checkLayer, type LinearLayer, plainLayer, tensorsOf } from "./LayerTensors.ts";
import { linear } from "./linear.ts";

/**
 * A linear layer with its adapters, x·w + b + Σ scale·(x·down)·up, plus a residual, with its exact gradient: one kernel each way on the native engine.
 * @param x  float32 [..., inputs]    @param residual  float32 [..., outputs], or none
 * @returns float32 [..., outputs]    @throws EtalonError BAD_SHAPE, BAD_TYPE
 */
export function linearLayer(x: Tensor, layer: LinearLayer, residual?: Tensor): Tensor {
  const outer = x.shape.slice(0, -1);
  checkLayer("layer", layer, null, null);
  checkShape("x", x, [...outer, layer.w.shape[0]]);
  if (residual !== undefined) checkShape("residual", residual, [...outer, layer.w.shape[1]]);
  if (residual === undefined && !layer.adapters?.length) return linear(x, layer.w, layer.b);
  const shape = [...outer, layer.w.shape[1]];
  if (isEmpty(shape)) return emptyResult(shape, [x, residual, ...tensorsOf({ layer })]);
  if (hasFused("EtalonLinearLayer")) {
    return fusedLayer("EtalonLinearLayer", { x, residual }, { layer }, {});
  }
  const y = plainLayer(x, layer);
  return residual === undefined ? y : y.add(residual);
}
