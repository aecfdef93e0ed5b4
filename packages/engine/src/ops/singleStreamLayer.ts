import type { Tensor } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { adaptiveVectors } from "./adaptiveRows.ts";
import { checkShape } from "./checkShape.ts";
import { checkStreams, type StreamOptions } from "./doubleStreamLayer.ts";
import { hasFused } from "./fused.ts";
import { fusedLayer } from "./fusedLayer.ts";
import { gatedResidual } from "./gatedResidual.ts";
import { activatedLayer, checkLayer, type LinearLayer, plainLayer } from "./LayerTensors.ts";
import { layerNormModulate } from "./layerNormModulate.ts";
import { multiHeadAttention } from "./multiHeadAttention.ts";

/** The tensors of a single-stream block, d wide. */
export interface SingleStreamTensors {
  /** From the condition to three vectors of d: shift, scale, gate. */
  norm: LinearLayer;
  q: LinearLayer;
  k: LinearLayer;
  v: LinearLayer;
  /** Into the MLP's width. */
  up: LinearLayer;
  /** From what attention gives and, after it, the MLP's width, to d. */
  out: LinearLayer;
}

/**
 * A single-stream block of FLUX.1 (diffusers' FluxSingleTransformerBlock): attention and MLP side by side behind one norm, x + gate·out([attention(q(n), k(n), v(n)), f(up(n))])
 * with n = LayerNorm(x)·(1 + scale) + shift. With its exact gradient: one kernel each way on the native engine.
 * @param x  float32 [batch, rows, d]    @param condition  float32 [batch, width]    @returns float32 [batch, rows, d]    @throws EtalonError BAD_SHAPE, BAD_TYPE, OUT_OF_RANGE
 */
export function singleStreamLayer(x: Tensor, condition: Tensor, layers: SingleStreamTensors, options: StreamOptions): Tensor {
  const { norm, q, k, v, up, out } = layers;
  const { heads, activation, epsilon = 1e-6 } = options;
  checkShape("x", x, [null, null, null]);
  const [batch, , d] = x.shape as [number, number, number];
  checkShape("condition", condition, [batch, null]);
  checkStreams(options, epsilon);
  checkLayer("norm", norm, condition.shape[1] as number, 3 * d);
  checkLayer("q", q, d, null);
  checkLayer("k", k, d, q.w.shape[1]);
  checkLayer("v", v, d, null);
  checkLayer("up", up, d, null);
  checkLayer("out", out, v.w.shape[1] + up.w.shape[1], d);
  const divides = [q, v].every(({ w }) => w.shape[1] % heads === 0);
  if (divides && hasFused("EtalonSingleStreamLayer") && x.size > 0) {
    return fusedLayer("EtalonSingleStreamLayer", { x, condition }, { norm, q, k, v, up, out }, { heads, activation, epsilon });
  }
  const [shift, scale, gate] = adaptiveVectors(condition, norm, 3);
  const n = layerNormModulate(x, scale, shift, epsilon);
  const seen = multiHeadAttention(plainLayer(n, q), plainLayer(n, k), plainLayer(n, v), heads);
  return gatedResidual(x, plainLayer(tf.concat([seen, activatedLayer(n, up, activation)], 2), out), gate);
} // biome-ignore format: long lines
