import { EtalonError } from "@etalon/errors";
import type { Tensor } from "@tensorflow/tfjs";
import { checkAlive } from "./checkAlive.ts";

/**
 * A float32 tensor of just this shape, alive; null stands for any extent.
 * @throws EtalonError BAD_TYPE: another dtype, or disposed; BAD_SHAPE: another rank or extent
 */
export function checkShape(argument: string, tensor: Tensor, shape: readonly (number | null)[]): void {
  checkAlive(argument, tensor);
  if (tensor.dtype !== "float32")
    throw new EtalonError("BAD_TYPE", { argument: `dtype of ${argument}`, value: tensor.dtype, allowed: "float32" });
  if (tensor.rank !== shape.length || shape.some((extent, i) => extent !== null && extent !== tensor.shape[i])) {
    const allowed = `[${shape.map((extent) => extent ?? "any").join(", ")}]`;
    throw new EtalonError("BAD_SHAPE", { argument: `shape of ${argument}`, value: tensor.shape, allowed });
  }
}
