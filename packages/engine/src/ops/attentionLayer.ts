import { check } from "@etalon/errors";
import type { Tensor } from "@tensorflow/tfjs";
import { checkShape } from "./checkShape.ts";
import { hasFused } from "./fused.ts";
import { fusedLayer } from "./fusedLayer.ts";
import { checkLayer, type LinearLayer, plainLayer } from "./LayerTensors.ts";
import { type AffineNorm, layerNorm } from "./layerNorm.ts";
import { multiHeadAttention } from "./multiHeadAttention.ts";

/** The tensors of an attention layer. */
export interface AttentionTensors {
  norm: AffineNorm;
  q: LinearLayer;
  k: LinearLayer;
  v: LinearLayer;
  out: LinearLayer;
}

/** How attention looks. */
export interface AttentionOptions {
  /** A divisor of the outputs of q and v. */
  heads: number;
  /** Whether a row sees only those that do not come after it; there is no context then. Default false. */
  causal?: boolean;
}

/**
 * An attention layer of a transformer: x + out(attention(q(n), k(s), v(s))) with n = LayerNorm(x) and s the context, or n where there is none; with its exact gradient. One
 * kernel each way on the native engine; elsewhere made of the operations that it consists of, whose attention keeps its scores.
 * @param x  float32 [batch, ..., channels]    @param context  float32 [batch, rows, width]
 * @throws EtalonError BAD_SHAPE, BAD_TYPE, OUT_OF_RANGE
 */
export function attentionLayer(x: Tensor, layers: AttentionTensors, { heads, causal = false }: AttentionOptions, context?: Tensor): Tensor {
  const { norm, q, k, v, out } = layers;
  const { gain, bias, epsilon = 1e-5 } = norm;
  checkShape("x", x, x.rank >= 3 ? x.shape : [null, null, null]);
  const [batch, channels] = [x.shape[0], x.shape[x.rank - 1]] as [number, number];
  if (context !== undefined) checkShape("context", context, [batch, null, null]);
  const source = context === undefined ? channels : (context.shape[2] as number);
  checkLayer("q", q, channels, null);
  checkLayer("k", k, source, q.w.shape[1]);
  checkLayer("v", v, source, null);
  checkLayer("out", out, v.w.shape[1], channels);
  check.range("heads", heads, { min: 1, integer: true });
  check.range("epsilon", epsilon, { above: 0 });
  for (const [name, vector] of Object.entries({ gain, bias })) checkShape(name, vector, [channels]);
  const divides = [q.w, v.w].every(({ shape }) => shape[1] % heads === 0);
  if (divides && hasFused("EtalonAttentionLayer") && x.size > 0 && context?.size !== 0) {
    return fusedLayer("EtalonAttentionLayer", { x, context, gain, bias }, { q, k, v, out }, { heads, causal, epsilon });
  }
  const count = x.shape.slice(1, -1).reduce((product, extent) => product * extent, 1);
  const rows = x.reshape([batch, count, channels]);
  const normed = layerNorm(rows, epsilon, norm);
  const seen = multiHeadAttention(plainLayer(normed, q), plainLayer(context ?? normed, k), plainLayer(context ?? normed, v), heads, causal); // biome-ignore format: one thought
  return plainLayer(seen, out).add(rows).reshape(x.shape);
} // biome-ignore format: long lines
