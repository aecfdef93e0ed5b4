import { EtalonError } from "@etalon/errors";
import type { Tensor2D } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { checkShape } from "./checkShape.ts";
import { emptyResult, isEmpty } from "./emptyResult.ts";
import { hasFused, isTaped, runFused, withGradients } from "./fused.ts";
import { isFrozen } from "./isFrozen.ts";

/**
 * Rows of a table by their numbers, with the exact gradient of the table: rows read and sums scattered on the native engine; elsewhere a product with one-hot rows, which no
 * engine lacks.
 * @param ids  of rows, in [0, rows)    @param table  float32 [rows, d]    @returns float32 [ids, d]    @throws EtalonError BAD_SHAPE, BAD_TYPE, OUT_OF_RANGE: no such row
 */
export function embedding(ids: Int32Array, table: Tensor2D): Tensor2D {
  checkShape("table", table, [null, null]);
  const [rows] = table.shape;
  const wrong = ids.findIndex((id) => !(id >= 0 && id < rows));
  if (wrong >= 0) {
    throw new EtalonError("OUT_OF_RANGE", { argument: `ids[${wrong}]`, value: ids[wrong], allowed: `0 to ${rows - 1}` });
  } // biome-ignore format: a line
  const shape = [ids.length, table.shape[1]];
  if (isEmpty(shape)) return emptyResult(shape, [table]) as Tensor2D;
  const index = tf.tensor1d(ids, "int32");
  if (!hasFused("EtalonScatterRows")) {
    return tf.matMul(tf.oneHot(index, rows).toFloat() as Tensor2D, table);
  }
  const forward = () => tf.gather(table, index);
  if (!isTaped() || isFrozen(table)) return forward();
  return withGradients(
    [table],
    () => ({ value: forward(), saved: [index] }),
    (dy, [at]) => [runFused("EtalonScatterRows", { x: dy, segmentIds: at }, { numSegments: rows })],
  ) as Tensor2D;
}
