import type { Heads } from "@etalon/native/tensor";
import type { TensorInfo } from "@tensorflow/tfjs";
import type { NativeBackend } from "../NativeBackend.ts";
import type { KernelCall, NativeKernels } from "./NativeKernel.ts";

interface Inputs {
  q: TensorInfo;
  k: TensorInfo;
  v: TensorInfo;
}
interface Attributes {
  /** Heads of [batch, rows, heads·d]; a tensor of rank 4 is [batch, heads, rows, d]. */
  heads: number;
  scale: number;
  causal: boolean;
  /** Whether logSumExp is given too, for the gradients. */
  keep: boolean;
}

/** A tensor's heads, whichever way they lie. */
export function headsOf(data: Float32Array, shape: number[], heads: number): Heads {
  if (shape.length === 4)
    return { data, batch: shape[1] * shape[2] * shape[3], head: shape[2] * shape[3], row: shape[3] };
  return { data, batch: shape[1] * shape[2], head: shape[2] / heads, row: shape[2] };
}

const rowsOf = (shape: number[]) => shape[shape.length - 2];
const depthOf = (shape: number[], heads: number) => (shape.length === 4 ? shape[3] : shape[2] / heads);

function sizes({ q, k, v }: Inputs, heads: number) {
  const count = q.shape.length === 4 ? q.shape[1] : heads;
  const [batch, queries, keys] = [q.shape[0], rowsOf(q.shape), rowsOf(k.shape)];
  return { batch, heads: count, queries, keys, depth: depthOf(q.shape, heads), width: depthOf(v.shape, heads) };
}

function read(backend: NativeBackend, x: TensorInfo, heads: number): Heads {
  return headsOf(backend.values(x, "float32"), x.shape, heads);
}

function attention({ inputs, attrs: { heads, scale, causal, keep }, backend, heavy }: KernelCall<Inputs, Attributes>) {
  const { q, k, v } = inputs;
  const found = sizes(inputs, heads);
  const out = backend.output([...q.shape.slice(0, -1), q.shape.length === 4 ? found.width : found.heads * found.width], "float32");
  const sums = keep ? backend.output([found.batch, found.heads, found.queries], "float32") : undefined;
  heavy.attention({
    batch: found.batch,
    heads: found.heads,
    queries: found.queries,
    keys: found.keys,
    depth: found.depth,
    width: found.width,
    q: read(backend, q, heads),
    k: read(backend, k, heads),
    v: read(backend, v, heads),
    out: headsOf(out.values, out.info.shape, heads),
    scale,
    causal,
    logSumExp: sums?.values,
  });
  return sums ? [out.info, sums.info] : out.info;
} // biome-ignore format: long lines

interface GradientInputs extends Inputs {
  out: TensorInfo;
  sums: TensorInfo;
  dOut: TensorInfo;
}

function gradients({
  inputs,
  attrs: { heads, scale, causal },
  backend,
  heavy,
}: KernelCall<GradientInputs, Attributes>) {
  const { q, k, v, out, sums, dOut } = inputs;
  const found = sizes(inputs, heads);
  const made = [q, k, v].map((x) => backend.output(x.shape, "float32"));
  const [dq, dk, dv] = made.map(({ values, info }) => headsOf(values, info.shape, heads));
  heavy.attentionGradients({
    batch: found.batch,
    heads: found.heads,
    queries: found.queries,
    keys: found.keys,
    depth: found.depth,
    width: found.width,
    q: read(backend, q, heads),
    k: read(backend, k, heads),
    v: read(backend, v, heads),
    out: read(backend, out, heads),
    dOut: read(backend, dOut, heads),
    logSumExp: backend.values(sums, "float32"),
    scale,
    causal,
    dq,
    dk,
    dv,
  });
  return made.map(({ info }) => info);
}

export const attentionKernels = { EtalonAttention: attention, EtalonAttentionGradients: gradients } as NativeKernels;
