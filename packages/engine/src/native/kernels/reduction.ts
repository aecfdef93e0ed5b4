import { reductions } from "@etalon/native/tensor";
import type { DataType, TensorInfo } from "@tensorflow/tfjs";
import { tf } from "../../tf.ts";
import { isNumeric, type NativeBackend, sizeOf } from "../NativeBackend.ts";
import { applyUnary } from "./elementwise.ts";
import { transposed } from "./movement.ts";
import type { KernelCall, NativeKernels } from "./NativeKernel.ts";

/** A tensor as [outer, n, inner], whose middle is reduced. */
interface Middle {
  x: TensorInfo;
  outer: number;
  n: number;
  inner: number;
  /** Shapes of the result. */
  dropped: number[];
  kept: number[];
  /** Frees what was made on the way. */
  done: () => void;
}

/** Brings the axes together: they mostly are, and lie in the middle as they stand; else a transpose puts them last. */
function middle(backend: NativeBackend, x: TensorInfo, axis: number | number[]): Middle | undefined {
  const axes = tf.util.parseAxisParam(axis, x.shape).sort((a, b) => a - b);
  const others = x.shape.map((_, d) => d).filter((d) => !axes.includes(d));
  const dropped = others.map((d) => x.shape[d]);
  const kept = x.shape.map((extent, d) => (axes.includes(d) ? 1 : extent));
  const n = sizeOf(axes.map((d) => x.shape[d]));
  if (n === 0) return undefined;
  const [first, last] = [axes[0] ?? 0, axes.at(-1) ?? -1];
  if (last - first + 1 === axes.length || sizeOf(x.shape) === 0) {
    const outer = sizeOf(x.shape.slice(0, first));
    return { x, outer, n, inner: sizeOf(x.shape.slice(last + 1)), dropped, kept, done: () => {} };
  }
  const turned = transposed(backend, x, [...others, ...axes]);
  if (turned === undefined) return undefined;
  return {
    x: turned,
    outer: sizeOf(dropped),
    n,
    inner: 1,
    dropped,
    kept,
    done: () => backend.disposeIntermediateTensorInfo(turned),
  };
}

function reduced(
  backend: NativeBackend,
  kind: keyof typeof reductions,
  x: TensorInfo,
  axis: number | number[],
  keepDims: boolean,
) {
  if (!isNumeric(x.dtype)) return undefined;
  const view = middle(backend, x, axis);
  if (view === undefined) return undefined;
  const { info, values } = backend.output(keepDims ? view.kept : view.dropped, x.dtype);
  if (values.length > 0)
    backend.kernels.reduce(reductions[kind], backend.values(view.x, x.dtype), values, view.outer, view.n, view.inner);
  view.done();
  return info;
}

interface Attributes {
  axis: number | number[];
  keepDims: boolean;
}
type Call = KernelCall<{ x: TensorInfo }, Attributes>;

/** Of another dtype than its own: bool is summed as int32, a mean is of float32. */
function reducedAs(
  backend: NativeBackend,
  kind: keyof typeof reductions,
  dtype: DataType,
  x: TensorInfo,
  { axis, keepDims }: Attributes,
) {
  if (x.dtype === dtype) return reduced(backend, kind, x, axis, keepDims);
  const converted = applyUnary(backend, dtype === "int32" ? "toInt" : "toFloat", x, dtype);
  if (converted === undefined) return undefined;
  const result = reduced(backend, kind, converted, axis, keepDims);
  backend.disposeIntermediateTensorInfo(converted);
  return result;
}

const argExtreme =
  (largest: boolean) =>
  ({ inputs: { x }, attrs: { axis }, backend }: Call) => {
    if (x.dtype !== "float32") return undefined;
    const view = middle(backend, x, axis);
    if (view === undefined) return undefined;
    const { info, values } = backend.output(view.dropped, "int32");
    if (values.length > 0)
      backend.kernels.argExtreme(largest, backend.values(view.x, "float32"), values, view.outer, view.n, view.inner);
    view.done();
    return info;
  };

const cumulate =
  (product: boolean) =>
  ({
    inputs: { x },
    attrs,
    backend,
  }: KernelCall<{ x: TensorInfo }, { axis: number; exclusive: boolean; reverse: boolean }>) => {
    const [axis] = tf.util.parseAxisParam(attrs.axis, x.shape);
    const n = x.shape[axis];
    if (x.dtype !== "float32" || axis !== x.shape.length - 1 || n === 0) return undefined;
    const { info, values } = backend.output(x.shape, "float32");
    const rows = values.length / n;
    backend.kernels.cumulate(product, attrs.exclusive, attrs.reverse, backend.values(x, "float32"), values, rows, n);
    return info;
  };

function softmax({ inputs: { logits }, attrs: { dim }, backend }: KernelCall<{ logits: TensorInfo }, { dim: number }>) {
  const { shape } = logits;
  const last = shape.length - 1;
  if (logits.dtype !== "float32" || (dim !== -1 && dim !== last)) return undefined;
  const { info, values } = backend.output(shape, "float32");
  const n = last < 0 ? 1 : shape[last];
  if (values.length > 0)
    backend.kernels.softmax(backend.values(logits, "float32"), values, values.length / n, n, false);
  return info;
}

/** Reductions over any axes, and softmax over the last. */
export const reduction = {
  Sum: ({ inputs: { x }, attrs, backend }: Call) => reducedAs(backend, "sum", x.dtype === "bool" ? "int32" : x.dtype, x, attrs),
  Mean: ({ inputs: { x }, attrs, backend }: Call) => reducedAs(backend, "mean", "float32", x, attrs),
  Prod: ({ inputs: { x }, attrs, backend }: Call) => reducedAs(backend, "prod", x.dtype === "bool" ? "int32" : x.dtype, x, attrs),
  Max: ({ inputs: { x }, attrs: { reductionIndices, keepDims }, backend }: KernelCall<{ x: TensorInfo }, { reductionIndices: number[]; keepDims: boolean }>) =>
    reduced(backend, "max", x, reductionIndices, keepDims),
  Min: ({ inputs: { x }, attrs: { axis, keepDims }, backend }: Call) => reduced(backend, "min", x, axis, keepDims),
  Any: ({ inputs: { x }, attrs: { axis, keepDims }, backend }: Call) => (x.dtype === "bool" ? reduced(backend, "max", x, axis, keepDims) : undefined),
  All: ({ inputs: { x }, attrs: { axis, keepDims }, backend }: Call) => (x.dtype === "bool" ? reduced(backend, "min", x, axis, keepDims) : undefined),
  ArgMax: argExtreme(true),
  ArgMin: argExtreme(false),
  Cumsum: cumulate(false),
  Cumprod: cumulate(true),
  Softmax: softmax,
} as NativeKernels; // biome-ignore format: a table
