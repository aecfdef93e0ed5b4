import type { HeavyKernels } from "./HeavyKernels.ts";
import { numbers } from "./numbers.ts";
import type { RawHeavyKernels } from "./RawHeavyKernels.ts";

/** A tensor [batch, heads, rows, d] inside an array: element (b, h, r, i) is data[offset + b·batch + h·head + r·row + i]. */
export interface Heads {
  data: Float32Array;
  offset?: number;
  batch: number;
  head: number;
  row: number;
}

export interface Attention {
  batch: number;
  heads: number;
  queries: number;
  keys: number;
  /** Extent of q and k; 1 … 1024. */
  depth: number;
  /** Extent of v and out. Default depth. */
  width?: number;
  /** q, out: [batch, heads, queries, …]; k, v: [batch, heads, keys, …]. A batch or head stride of 0 shares k and v. */
  q: Heads;
  k: Heads;
  v: Heads;
  out: Heads;
  /** Default 1/√depth. */
  scale?: number;
  /** Query i sees keys 0 … i + keys − queries. Default false. */
  causal?: boolean;
  /** Added to the scores, [batch, heads, queries, keys]; strides of 0 broadcast. −Infinity masks; a query that sees no key gives zeros. A constant: it has no gradient. */
  bias?: Heads;
  /** [batch, heads, queries], contiguous: log Σ exp of each query's scores; −Infinity where it sees none. For attentionGradients. */
  logSumExp?: Float32Array;
}

/** What the gradients of q, k and v take; `bias` is a constant, so a learned one is for other kernels. */
export interface AttentionGradients extends Attention {
  /** As attention gave them. */
  logSumExp: Float32Array;
  dOut: Heads;
  dq: Heads;
  /** k and v must not be shared where their gradients are asked for. */
  dk: Heads;
  dv: Heads;
}

export function attentions(raw: RawHeavyKernels): Pick<HeavyKernels, "attention" | "attentionGradients"> {
  return {
    attention(options) {
      const { q, k, v, bias, out, logSumExp } = options;
      sizes(options);
      raw.attention(numbers, q.data, k.data, v.data, bias?.data ?? null, out.data, logSumExp ?? null);
    },
    attentionGradients(options) {
      const { q, k, v, bias, out, logSumExp, dOut, dq, dk, dv } = options;
      sizes(options);
      headsAt(28, dOut);
      headsAt(32, dq);
      headsAt(36, dk);
      headsAt(40, dv);
      raw.attentionGradients(
        numbers,
        q.data,
        k.data,
        v.data,
        bias?.data ?? null,
        out.data,
        logSumExp,
        dOut.data,
        dq.data,
        dk.data,
        dv.data,
      );
    },
  };
}

function sizes(options: Attention): void {
  const { depth } = options;
  numbers[0] = options.batch;
  numbers[1] = options.heads;
  numbers[2] = options.queries;
  numbers[3] = options.keys;
  numbers[4] = depth;
  numbers[5] = options.width ?? depth;
  numbers[6] = options.scale ?? 1 / Math.sqrt(depth);
  numbers[7] = +(options.causal ?? false);
  headsAt(8, options.q);
  headsAt(12, options.k);
  headsAt(16, options.v);
  if (options.bias !== undefined) headsAt(20, options.bias);
  headsAt(24, options.out);
}

/** Writes where a tensor lies. */
export function headsAt(at: number, { offset = 0, batch, head, row }: Heads): void {
  numbers[at] = offset;
  numbers[at + 1] = batch;
  numbers[at + 2] = head;
  numbers[at + 3] = row;
}
