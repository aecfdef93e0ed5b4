import type { Tensor } from "@tensorflow/tfjs";
import { checkAlive } from "./checkAlive.ts";
import { emptyResult } from "./emptyResult.ts";
import { hasFused, isTaped, runFused, withGradients } from "./fused.ts";
import { isRowABatch } from "./fusedLayerNorm.ts";

/**
 * x + y·gate: how a block of a DiT adds its branch, with its exact gradient. float32; y of x's shape; the gate is broadcast against them; [batch, 1, d] beside
 * [batch, rows, d] is one kernel each way on the native engine.
 */
export function gatedResidual(x: Tensor, y: Tensor, gate: Tensor): Tensor {
  checkAlive("x", x);
  checkAlive("y", y);
  checkAlive("gate", gate);
  const alike = x.shape.join() === y.shape.join() && x.dtype === "float32" && y.dtype === "float32";
  if (alike && x.size === 0) return emptyResult(x.shape, [x, y, gate]);
  if (!alike || !isRowABatch(x, gate) || !hasFused("EtalonGatedResidual")) return x.add(y.mul(gate));
  const forward = () => runFused<Tensor>("EtalonGatedResidual", { x, y, gate });
  if (!isTaped()) return forward();
  return withGradients(
    [x, y, gate],
    () => ({ value: forward(), saved: [y, gate] }),
    (dOut, [branch, factor]) => [
      dOut.clone(),
      ...runFused<Tensor[]>("EtalonGatedResidualGradients", { dOut, y: branch, gate: factor }),
    ],
  );
}
