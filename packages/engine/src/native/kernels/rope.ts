import type { TensorInfo } from "@tensorflow/tfjs";
import { sizeOf } from "../NativeBackend.ts";
import { headsOf } from "./attention.ts";
import type { KernelCall, NativeKernels } from "./NativeKernel.ts";

interface Inputs {
  x: TensorInfo;
  cos: TensorInfo;
  sin: TensorInfo;
}

/** Turns the pairs of each head, of [batch, heads, tokens, depth] or [batch, tokens, heads·depth]; `inverse` turns back, which is the gradient. */
function rope({ inputs: { x, cos, sin }, attrs, backend, heavy }: KernelCall<Inputs, { heads: number; inverse: boolean }>) {
  const outer = x.shape.length === 4;
  const heads = outer ? x.shape[1] : attrs.heads;
  const [tokens, depth] = outer ? x.shape.slice(2) : [x.shape[1], x.shape[2] / heads];
  const y = backend.output(x.shape, "float32");
  heavy.rope({
    batch: x.shape[0],
    tokens,
    heads,
    depth,
    x: headsOf(backend.values(x, "float32"), x.shape, heads),
    y: headsOf(y.values, x.shape, heads),
    cos: backend.values(cos, "float32"),
    sin: backend.values(sin, "float32"),
    inverse: attrs.inverse,
  });
  return y.info;
} // biome-ignore format: long lines

function geglu({ inputs: { x }, backend, heavy }: KernelCall<{ x: TensorInfo }, unknown>) {
  const width = (x.shape.at(-1) as number) / 2;
  const y = backend.output([...x.shape.slice(0, -1), width], "float32");
  heavy.geglu({ rows: sizeOf(x.shape.slice(0, -1)), width, x: backend.values(x, "float32"), y: y.values });
  return y.info;
}

function gegluGradient({ inputs: { x, dy }, backend, heavy }: KernelCall<{ x: TensorInfo; dy: TensorInfo }, unknown>) {
  const dx = backend.output(x.shape, "float32");
  heavy.gegluGradients({
    rows: sizeOf(x.shape.slice(0, -1)),
    width: (x.shape.at(-1) as number) / 2,
    x: backend.values(x, "float32"),
    dy: backend.values(dy, "float32"),
    dx: dx.values,
  });
  return dx.info;
}

/** Rotary positions, and the gated GELU of U-Nets. */
export const ropeKernels = {
  EtalonRope: rope,
  EtalonGeglu: geglu,
  EtalonGegluGradient: gegluGradient,
} as NativeKernels;
