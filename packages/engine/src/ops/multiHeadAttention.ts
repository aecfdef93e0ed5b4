import { check, EtalonError } from "@etalon/errors";
import type { Tensor, Tensor3D, Tensor4D } from "@tensorflow/tfjs";
import { attention } from "./attention.ts";
import { checkShape } from "./checkShape.ts";
import { emptyResult, isEmpty } from "./emptyResult.ts";
import { fusedAttention } from "./fusedAttention.ts";

/**
 * Attention of several heads that lie side by side in each row, as a linear layer gives them; without transposes on the native engine.
 * @param q  float32 [batch, queries, heads·d]    @param k  float32 [batch, keys, heads·d]    @param v  float32 [batch, keys, heads·width]
 * @param causal  whether a query sees only the keys that do not come after it; there are as many keys as queries then
 * @returns float32 [batch, queries, heads·width]    @throws EtalonError BAD_SHAPE, BAD_TYPE, OUT_OF_RANGE
 */
export function multiHeadAttention(q: Tensor, k: Tensor, v: Tensor, heads: number, causal = false): Tensor3D {
  check.range("heads", heads, { min: 1, integer: true });
  checkShape("q", q, [null, null, null]);
  const [batch, , width] = q.shape as [number, number, number];
  checkShape("k", k, [batch, null, width]);
  checkShape("v", v, [batch, k.shape[1] as number, null]);
  for (const [name, x] of Object.entries({ q, v })) {
    const last = x.shape[2] as number;
    if (last % heads === 0) continue;
    throw new EtalonError("BAD_SHAPE", { argument: `last axis of ${name}`, value: last, allowed: `a multiple of ${heads}` });
  } // biome-ignore format: a line
  const shape = [batch, q.shape[1] as number, v.shape[2] as number];
  if (isEmpty(shape)) return emptyResult(shape, [q, k, v]) as Tensor3D;
  const fused = fusedAttention(q, k, v, heads, 1 / Math.sqrt(width / heads), causal);
  if (fused !== undefined) return fused as Tensor3D;
  const [qs, ks, vs] = [q, k, v].map((x) => headsFirst(x, heads));
  const out = attention(qs, ks, vs, causal).transpose([0, 2, 1, 3]);
  return out.reshape([batch, q.shape[1] as number, v.shape[2] as number]) as Tensor3D;
}

function headsFirst(x: Tensor, heads: number): Tensor4D {
  const [batch, rows, width] = x.shape as [number, number, number];
  return x.reshape([batch, rows, heads, width / heads]).transpose([0, 2, 1, 3]) as Tensor4D;
}
