import { headsOf } from "./attention.ts";
import type { Frame } from "./Frame.ts";

/** Sizes of attention whose heads lie side by side in each row. */
export interface AttentionShape {
  batch: number;
  /** Queries a sample, and keys a sample. */
  rows: number;
  sources: number;
  /** Columns of q and k, and of v and what attention gives. */
  inner: number;
  outer: number;
  heads: number;
  causal?: boolean;
}

/** Attention within a layer: the lengths of what it takes and keeps, and its kernels on arrays of these. */
export function attentionOf(frame: Frame, { batch, rows, sources, inner, outer, heads, causal = false }: AttentionShape) {
  const sizes = { batch, heads, queries: rows, keys: sources, depth: inner / heads, width: outer / heads };
  const how = { scale: 1 / Math.sqrt(sizes.depth), causal };
  const views = ([q, k, v, out]: readonly Float32Array[]) => ({
    q: headsOf(q, [batch, rows, inner], heads),
    k: headsOf(k, [batch, sources, inner], heads),
    v: headsOf(v, [batch, sources, outer], heads),
    out: headsOf(out, [batch, rows, outer], heads),
  });
  const [all, seen] = [batch * rows, batch * sources];
  return {
    /** Of q, k, v, what attention gives, and the scores' sums. */
    lengths: [all * inner, seen * inner, seen * outer, all * outer, all * heads],
    attend(arrays: readonly Float32Array[], keep: boolean): void {
      frame.heavy.attention({ ...sizes, ...how, ...views(arrays), logSumExp: keep ? arrays[4] : undefined });
    },
    /** dq, dk, dv from the gradient of what attention gave. */
    gradients(arrays: readonly Float32Array[], dOut: Float32Array): Float32Array[] {
      const made = [0, 1, 2].map((i) => frame.scratch(arrays[i].length));
      const at = views([...made, dOut]);
      frame.heavy.attentionGradients({ ...sizes, ...how, ...views(arrays), logSumExp: arrays[4], dOut: at.out, dq: at.q, dk: at.k, dv: at.v }); // biome-ignore format: one thought
      return made;
    },
  };
} // biome-ignore format: long lines
