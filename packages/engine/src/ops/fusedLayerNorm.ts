import type { Tensor } from "@tensorflow/tfjs";
import { hasFused, isTaped, runFused, withGradients } from "./fused.ts";

/** Layer normalisation, and with `adaptive` ·(1 + scale) + shift, in one kernel each way; undefined where the engine has none, or does not serve the shapes. */
export function fusedLayerNorm(
  x: Tensor,
  epsilon: number,
  adaptive?: { scale: Tensor; shift: Tensor },
): Tensor | undefined {
  if (!hasFused("EtalonLayerNorm") || x.rank === 0 || x.size === 0 || x.dtype !== "float32") return undefined;
  if (adaptive && !(isRowABatch(x, adaptive.scale) && isRowABatch(x, adaptive.shift))) return undefined;
  const { scale, shift } = adaptive ?? {};
  if (!isTaped()) return runFused<Tensor>("EtalonLayerNorm", { x, scale, shift }, { epsilon, keep: false });
  return withGradients(
    adaptive ? [x, adaptive.scale, adaptive.shift] : [x],
    () => {
      const [value, mean, rstd] = runFused<Tensor[]>("EtalonLayerNorm", { x, scale, shift }, { epsilon, keep: true });
      return { value, saved: scale ? [x, mean, rstd, scale] : [x, mean, rstd] };
    },
    (dy, [input, mean, rstd, factor]) =>
      runFused<Tensor[]>("EtalonLayerNormGradients", { x: input, mean, rstd, dy, scale: factor }),
  );
}

/** Whether `row` is [batch, 1, …, 1, d] beside x [batch, …, d]. */
export const isRowABatch = (x: Tensor, row: Tensor): boolean =>
  x.rank >= 2 &&
  row.rank === x.rank &&
  row.dtype === "float32" &&
  row.shape.every((extent, i) => extent === (i === 0 || i === x.rank - 1 ? x.shape[i] : 1));
