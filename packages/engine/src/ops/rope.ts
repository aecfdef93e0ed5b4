import { check, EtalonError } from "@etalon/errors";
import type { Tensor, Tensor2D } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { checkShape } from "./checkShape.ts";
import { emptyResult } from "./emptyResult.ts";
import { hasFused, isTaped, runFused, withGradients } from "./fused.ts";

/**
 * Rotary position embedding (RoFormer, arXiv:2104.09864) as FLUX has it: the pair (2i, 2i + 1) of each head's row is turned by the angle whose cosine and sine are given,
 * (a, b) → (a cos − b sin, b cos + a sin), with its exact gradient, which turns back. The angles get none.
 * @param x  float32 [batch, heads, tokens, depth], or [batch, tokens, heads·depth] with `heads` said; depth is even    @param cos  float32 [tokens, depth/2]    @param sin  the same
 * @returns float32 of x's shape    @throws EtalonError BAD_SHAPE, BAD_TYPE, OUT_OF_RANGE
 */
export function rope(x: Tensor, cos: Tensor2D, sin: Tensor2D, heads = 1): Tensor {
  checkShape("x", x, x.rank === 4 ? [null, null, null, null] : [null, null, null]);
  check.range("heads", heads, { min: 1, integer: true });
  const width = x.shape[x.rank - 1] as number;
  const depth = x.rank === 4 ? width : width / heads;
  if (depth % 2 !== 0) {
    throw new EtalonError("BAD_SHAPE", { argument: "last axis of x", value: width, allowed: `a multiple of ${x.rank === 4 ? 2 : 2 * heads}` });
  } // biome-ignore format: a line
  const tokens = x.shape[x.rank - 2] as number;
  checkShape("cos", cos, [tokens, depth / 2]);
  checkShape("sin", sin, [tokens, depth / 2]);
  if (x.size === 0) return emptyResult(x.shape, [x]);
  if (!hasFused("EtalonRope")) return plainRope(x, cos, sin, depth);
  const turn = (tensor: Tensor, c: Tensor, s: Tensor, inverse: boolean) =>
    runFused<Tensor>("EtalonRope", { x: tensor, cos: c, sin: s }, { heads, inverse });
  if (!isTaped()) return turn(x, cos, sin, false);
  return withGradients(
    [x],
    (input) => ({ value: turn(input, cos, sin, false), saved: [cos, sin] }), // the angles may have been made within what is differentiated
    (dy, [c, s]) => [turn(dy, c, s, true)],
  );
}

function plainRope(x: Tensor, cos: Tensor2D, sin: Tensor2D, depth: number): Tensor {
  const [batch, tokens] = [x.shape[0], x.shape[x.rank - 2]] as [number, number];
  const outer = x.rank === 4;
  const heads = outer ? (x.shape[1] as number) : (x.shape[2] as number) / depth;
  const pairs = x.reshape(outer ? [batch, heads, tokens, depth / 2, 2] : [batch, tokens, heads, depth / 2, 2]);
  const [a, b] = tf.unstack(pairs, 4);
  const angles = outer ? [1, 1, tokens, depth / 2] : [1, tokens, 1, depth / 2];
  const [c, s] = [cos.reshape(angles), sin.reshape(angles)];
  return tf.stack([a.mul(c).sub(b.mul(s)), b.mul(c).add(a.mul(s))], 4).reshape(x.shape);
}
