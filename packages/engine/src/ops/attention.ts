import type { Tensor, Tensor4D } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { checkShape } from "./checkShape.ts";
import { emptyResult, isEmpty } from "./emptyResult.ts";
import { fusedAttention } from "./fusedAttention.ts";

/**
 * Scaled dot-product attention softmax(q·kᵀ/√d)·v with its exact gradient. On the native engine the scores are never whole in memory; elsewhere they are kept for the
 * gradient.
 * @param q  float32 [batch, heads, queries, d]    @param k  float32 [batch, heads, keys, d]    @param v  float32 [batch, heads, keys, width]
 * @param causal  whether a query sees only the keys that do not come after it; there are as many keys as queries then
 * @returns float32 [batch, heads, queries, width]    @throws EtalonError BAD_SHAPE, BAD_TYPE
 */
export function attention(q: Tensor4D, k: Tensor4D, v: Tensor4D, causal = false): Tensor4D {
  checkShape("q", q, [null, null, null, null]);
  const [batch, heads, , d] = q.shape;
  checkShape("k", k, [batch, heads, null, d]);
  checkShape("v", v, [batch, heads, k.shape[2], null]);
  const shape = [batch, heads, q.shape[2], v.shape[3]];
  if (isEmpty(shape)) return emptyResult(shape, [q, k, v]) as Tensor4D;
  const scale = 1 / Math.sqrt(d);
  const fused = fusedAttention(q, k, v, heads, scale, causal);
  if (fused !== undefined) return fused as Tensor4D;
  const forward = tf.customGrad((q_, k_, v_, save) => {
    const [query, key, value] = [q_ as Tensor4D, k_ as Tensor4D, v_ as Tensor4D];
    const scores = tf.matMul(query, turn(key)).mul(scale);
    const p = tf.softmax(causal ? scores.add(later(q.shape[2])) : scores) as Tensor4D;
    (save as (tensors: Tensor[]) => void)([query, key, value, p]);
    return {
      value: tf.matMul(p, value),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [q2, k2, v2, p2] = saved as Tensor4D[];
        const dp = tf.matMul(dy as Tensor4D, turn(v2));
        const weighted = dp.mul(p2);
        const ds = weighted.sub(p2.mul(weighted.sum(-1, true))).mul(scale) as Tensor4D;
        return [tf.matMul(ds, k2), tf.matMul(turn(ds), q2), tf.matMul(turn(p2), dy as Tensor4D)];
      },
    };
  });
  return forward(q, k, v) as Tensor4D;
}

/** [rows, rows]: −1e9, which no score outweighs, where the key comes after the query. */
function later(rows: number): Tensor {
  const mask = Float32Array.from({ length: rows * rows }, (_, i) => (i % rows > Math.floor(i / rows) ? -1e9 : 0));
  return tf.tensor2d(mask, [rows, rows]);
}

/** The last two axes exchanged, in memory: wasm multiplies faster so than by its transpose flags. */
const turn = (x: Tensor4D): Tensor4D => x.transpose([0, 1, 3, 2]);
