import type { Rows } from "@etalon/native/tensor";
import type { TensorInfo } from "@tensorflow/tfjs";
import { type NativeBackend, sizeOf } from "../NativeBackend.ts";
import type { KernelCall, NativeKernels } from "./NativeKernel.ts";

/** x [batch, ..., d]; scale and shift hold d values a batch, or d for all; gain and bias d. */
interface Inputs {
  x: TensorInfo;
  scale?: TensorInfo;
  shift?: TensorInfo;
  gain?: TensorInfo;
  bias?: TensorInfo;
}

/** The rows of an adaptive norm's vector. */
function rowsOf(values: Float32Array, d: number): Rows {
  return { data: values, stride: values.length === d ? 0 : d };
}

function sizes(x: TensorInfo, scale?: TensorInfo) {
  const d = x.shape.at(-1) as number;
  const batch = scale === undefined ? 1 : sizeOf(scale.shape) / d;
  return { batch, rows: sizeOf(x.shape) / d / batch, d };
}

const optional = (backend: NativeBackend, x: TensorInfo | undefined, d: number): Rows | undefined =>
  x && rowsOf(backend.values(x, "float32"), d);

const vector = (backend: NativeBackend, x: TensorInfo | undefined) => x && backend.values(x, "float32");

/** (x − mean)/√(variance + epsilon), ·(1 + scale) + shift or ·gain + bias; with `keep` also mean and 1/√(…) of each row. */
function layerNorm({ inputs: { x, scale, shift, gain, bias }, attrs: { epsilon, keep }, backend, heavy }: KernelCall<Inputs, { epsilon: number; keep: boolean }>) {
  const found = sizes(x, scale);
  const y = backend.output(x.shape, "float32");
  const kept = keep ? [0, 1].map(() => backend.output([found.batch * found.rows], "float32")) : [];
  heavy.layerNorm({
    batch: found.batch,
    rows: found.rows,
    d: found.d,
    epsilon,
    x: backend.values(x, "float32"),
    y: y.values,
    gain: vector(backend, gain),
    bias: vector(backend, bias),
    scale: optional(backend, scale, found.d),
    shift: optional(backend, shift, found.d),
    mean: kept[0]?.values,
    rstd: kept[1]?.values,
  });
  return keep ? [y.info, ...kept.map(({ info }) => info)] : y.info;
} // biome-ignore format: long lines

interface GradientInputs {
  x: TensorInfo;
  mean: TensorInfo;
  rstd: TensorInfo;
  dy: TensorInfo;
  scale?: TensorInfo;
  gain?: TensorInfo;
}

/** A norm's vectors, whose gradients may be asked for. */
type NormVector = "scale" | "shift" | "gain" | "bias";

/** dx, and of the vectors those that are asked for, in that order. */
function layerNormGradients({ inputs: { x, mean, rstd, dy, scale, gain }, attrs: { wants }, backend, heavy }: KernelCall<GradientInputs, { wants: readonly NormVector[] }>) {
  const found = sizes(x, scale);
  const dx = backend.output(x.shape, "float32");
  const shape = (name: NormVector) => (name === "scale" || name === "shift" ? (scale as TensorInfo).shape : [found.d]);
  const made = new Map(wants.map((name) => [name, backend.output(shape(name), "float32")]));
  const [dScale, dShift, dGain, dBias] = (["scale", "shift", "gain", "bias"] as const).map((name) => made.get(name)?.values);
  const rows = (data: Float32Array | undefined): Rows | undefined => data && { data, stride: found.d };
  heavy.layerNormGradients({
    batch: found.batch,
    rows: found.rows,
    d: found.d,
    x: backend.values(x, "float32"),
    mean: backend.values(mean, "float32"),
    rstd: backend.values(rstd, "float32"),
    dy: backend.values(dy, "float32"),
    gain: vector(backend, gain),
    scale: optional(backend, scale, found.d),
    dx: dx.values,
    dGain,
    dBias,
    dScale: rows(dScale),
    dShift: rows(dShift),
  });
  return [dx.info, ...[...made.values()].map(({ info }) => info)];
} // biome-ignore format: long lines

interface Gated {
  x: TensorInfo;
  y: TensorInfo;
  gate: TensorInfo;
}

/** x + y·gate. */
function gatedResidual({ inputs: { x, y, gate }, backend, heavy }: KernelCall<Gated, unknown>) {
  const found = sizes(x, gate);
  const out = backend.output(x.shape, "float32");
  const [xs, ys] = [backend.values(x, "float32"), backend.values(y, "float32")];
  heavy.gatedResidual({
    batch: found.batch,
    rows: found.rows,
    d: found.d,
    x: xs,
    y: ys,
    gate: rowsOf(backend.values(gate, "float32"), found.d),
    out: out.values,
  });
  return out.info;
}

/** dy and dGate; dx is dOut itself. */
function gatedResidualGradients({ inputs: { dOut, y, gate }, backend, heavy }: KernelCall<{ dOut: TensorInfo; y: TensorInfo; gate: TensorInfo }, unknown>) {
  const found = sizes(y, gate);
  const [dy, dGate] = [backend.output(y.shape, "float32"), backend.output(gate.shape, "float32")];
  heavy.gatedResidualGradients({
    batch: found.batch,
    rows: found.rows,
    d: found.d,
    dOut: backend.values(dOut, "float32"),
    y: backend.values(y, "float32"),
    gate: rowsOf(backend.values(gate, "float32"), found.d),
    dy: dy.values,
    dGate: { data: dGate.values, stride: found.d },
  });
  return [dy.info, dGate.info];
} // biome-ignore format: long lines

export const normKernels = {
  EtalonLayerNorm: layerNorm,
  EtalonLayerNormGradients: layerNormGradients,
  EtalonGatedResidual: gatedResidual,
  EtalonGatedResidualGradients: gatedResidualGradients,
} as NativeKernels;
