import type { Activation } from "@etalon/native/tensor";
import type { TensorInfo } from "@tensorflow/tfjs";
import { type Output, sizeOf } from "../NativeBackend.ts";
import type { KernelCall, NativeKernels } from "./NativeKernel.ts";

interface Inputs {
  x: TensorInfo;
  w: TensorInfo;
  b?: TensorInfo;
}

/** activation(x·w + b) of x [..., inputs]; with `keep` also what went into the activation. */
function linear({ inputs: { x, w, b }, attrs: { activation, keep }, backend, heavy }: KernelCall<Inputs, { activation: Activation; keep: boolean }>) {
  const [k, n] = w.shape;
  const shape = [...x.shape.slice(0, -1), n];
  const y = backend.output(shape, "float32");
  const before = keep ? backend.output(shape, "float32") : undefined;
  heavy.gemm({
    a: backend.values(x, "float32"),
    b: backend.values(w, "float32"),
    c: y.values,
    m: sizeOf(x.shape.slice(0, -1)),
    n,
    k,
    bias: b && backend.values(b, "float32"),
    activation,
    preactivation: before?.values,
  });
  return before ? [y.info, before.info] : y.info;
} // biome-ignore format: long lines

/** The gradients of `linear`, in this order. */
export type LinearGradient = "dx" | "dw" | "db";

interface GradientInputs {
  dy: TensorInfo;
  x: TensorInfo;
  w: TensorInfo;
  before?: TensorInfo;
}

function gradients({ inputs, attrs: { activation, wants }, backend, heavy }: KernelCall<GradientInputs, { activation: Activation; wants: LinearGradient[] }>) {
  const { dy, x, w, before } = inputs;
  const [k, n] = w.shape;
  const make = (name: LinearGradient, shape: number[]) => wants.includes(name) ? backend.output(shape, "float32") : undefined;
  const made = { dx: make("dx", x.shape), dw: make("dw", w.shape), db: make("db", [n]) };
  heavy.linearGradients({
    rows: sizeOf(x.shape.slice(0, -1)),
    inputs: k,
    outputs: n,
    dy: backend.values(dy, "float32"),
    x: backend.values(x, "float32"),
    w: backend.values(w, "float32"),
    activation,
    preactivation: before && backend.values(before, "float32"),
    dx: made.dx?.values,
    dw: made.dw?.values,
    db: made.db?.values,
  });
  return wants.map((name) => (made[name] as Output<Float32Array>).info);
} // biome-ignore format: long lines

export const linearKernels = { EtalonLinear: linear, EtalonLinearGradients: gradients } as NativeKernels;
