import type { Tensor, Tensor2D } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { checkShape } from "./checkShape.ts";
import { emptyResult, isEmpty } from "./emptyResult.ts";
import { hasFused } from "./fused.ts";

/**
 * a·bᵀ with its exact gradient; transposes in memory first, for wasm's sake.
 * @param a  float32 [rows, inner]    @param b  float32 [columns, inner]    @returns float32 [rows, columns]    @throws EtalonError BAD_SHAPE, BAD_TYPE
 */
export function matMulT(a: Tensor2D, b: Tensor2D): Tensor2D {
  checkShape("a", a, [null, null]);
  checkShape("b", b, [null, a.shape[1]]);
  const shape = [a.shape[0], b.shape[0]];
  if (isEmpty(shape)) return emptyResult(shape, [a, b]) as Tensor2D;
  if (hasFused("EtalonLinear")) return tf.matMul(a, b, false, true); // its transposes cost nothing there
  const forward = tf.customGrad((a_, b_, save) => {
    const [left, right] = [a_ as Tensor2D, b_ as Tensor2D];
    (save as (tensors: Tensor[]) => void)([left, right]);
    return {
      value: tf.matMul(left, right.transpose()),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [l, r] = saved as Tensor2D[];
        return [tf.matMul(dy as Tensor2D, r), tf.matMul(dy.transpose() as Tensor2D, l)];
      },
    };
  });
  return forward(a, b) as Tensor2D;
}
