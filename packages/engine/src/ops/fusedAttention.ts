import type { Tensor } from "@tensorflow/tfjs";
import { hasFused, isTaped, runFused, withGradients } from "./fused.ts";

/** Streaming attention over heads as they lie, [batch, heads, rows, d] or [batch, rows, heads·d]; undefined where the engine has none. Shapes are checked by the caller. */
export function fusedAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  heads: number,
  scale: number,
  causal = false,
): Tensor | undefined {
  if (!hasFused("EtalonAttention") || q.size === 0 || k.size === 0 || v.size === 0) return undefined;
  const attributes = { heads, scale, causal };
  if (!isTaped()) return runFused<Tensor>("EtalonAttention", { q, k, v }, { ...attributes, keep: false });
  return withGradients(
    [q, k, v],
    () => {
      const [out, sums] = runFused<Tensor[]>("EtalonAttention", { q, k, v }, { ...attributes, keep: true });
      return { value: out, saved: [q, k, v, out, sums] };
    },
    (dOut, [q_, k_, v_, out, sums]) =>
      runFused<Tensor[]>("EtalonAttentionGradients", { q: q_, k: k_, v: v_, out, sums, dOut }, attributes),
  );
}
