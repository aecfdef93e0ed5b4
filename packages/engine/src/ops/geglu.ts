import { EtalonError } from "@etalon/errors";
import type { Tensor } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { checkShape } from "./checkShape.ts";
import { emptyResult } from "./emptyResult.ts";
import { hasFused, isTaped, runFused, withGradients } from "./fused.ts";
import { geluErf } from "./geluErf.ts";

/**
 * The gated GELU of diffusers' feed-forward layers (arXiv:2002.05202), with its exact gradient: the first half of the last axis times gelu (by erf) of the second.
 * @param x  float32 [..., 2·width]    @returns float32 [..., width]    @throws EtalonError BAD_SHAPE, BAD_TYPE
 */
export function geglu(x: Tensor): Tensor {
  checkShape("x", x, x.shape);
  const last = x.shape[x.rank - 1];
  if (last === undefined || last % 2 !== 0)
    throw new EtalonError("BAD_SHAPE", { argument: "last axis of x", value: last, allowed: "an even number" });
  if (x.size === 0) return emptyResult([...x.shape.slice(0, -1), last / 2], [x]);
  if (!hasFused("EtalonGeglu")) {
    const [value, gate] = tf.split(x, 2, x.rank - 1);
    return value.mul(geluErf(gate));
  }
  const forward = () => runFused<Tensor>("EtalonGeglu", { x });
  if (!isTaped()) return forward();
  return withGradients(
    [x],
    () => ({ value: forward(), saved: [x] }),
    (dy, [input]) => [runFused<Tensor>("EtalonGegluGradient", { x: input, dy })],
  );
}
