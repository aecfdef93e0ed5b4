import type { Tensor } from "@tensorflow/tfjs";
import { hasFused, isTaped, runFused, withGradients } from "./fused.ts";
import { isFrozen } from "./isFrozen.ts";

/** Layer normalisation, and with `adaptive` ·(1 + scale) + shift or with `affine` ·gain + bias, in one kernel each way; undefined where the engine has none, or does not serve the shapes. */
export function fusedLayerNorm(
  x: Tensor,
  epsilon: number,
  adaptive?: { scale: Tensor; shift: Tensor },
  affine?: { gain: Tensor; bias: Tensor },
): Tensor | undefined {
  if (!hasFused("EtalonLayerNorm") || x.rank === 0 || x.size === 0 || x.dtype !== "float32") return undefined;
  if (adaptive && !(isRowABatch(x, adaptive.scale) && isRowABatch(x, adaptive.shift))) return undefined;
  const vectors = { ...adaptive, ...affine };
  if (!isTaped()) return runFused<Tensor>("EtalonLayerNorm", { x, ...vectors }, { epsilon, keep: false });
  const trained = Object.entries(vectors).filter(([, vector]) => !isFrozen(vector));
  const factor = adaptive?.scale ?? affine?.gain;
  const wants = trained.map(([name]) => name);
  return withGradients(
    [x, ...trained.map(([, vector]) => vector)],
    () => {
      const [value, mean, rstd] = runFused<Tensor[]>("EtalonLayerNorm", { x, ...vectors }, { epsilon, keep: true });
      return { value, saved: factor ? [x, mean, rstd, factor] : [x, mean, rstd] };
    },
    (dy, [input, mean, rstd, kept]) => {
      const given = { x: input, mean, rstd, dy, [adaptive ? "scale" : "gain"]: kept };
      return runFused<Tensor[]>("EtalonLayerNormGradients", given, { wants });
    },
  );
}

/** Whether `row` is [batch, 1, …, 1, d] beside x [batch, …, d]. */
export const isRowABatch = (x: Tensor, row: Tensor): boolean =>
  x.rank >= 2 &&
  row.rank === x.rank &&
  row.dtype === "float32" &&
  row.shape.every((extent, i) => extent === (i === 0 || i === x.rank - 1 ? x.shape[i] : 1));
