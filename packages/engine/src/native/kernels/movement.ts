import type { TensorInfo } from "@tensorflow/tfjs";
import { tf } from "../../tf.ts";
import { isNumeric, type NativeBackend, sizeOf } from "../NativeBackend.ts";
import { filled } from "./elementwise.ts";
import { layout, mostAxes, stridesOf } from "./layout.ts";
import type { KernelCall, NativeKernels } from "./NativeKernel.ts";

type OfX<Attributes> = KernelCall<{ x: TensorInfo }, Attributes>;

/** A box of one tensor copied into a box of another of the same dtype; offsets and strides in elements. */
interface Move {
  shape: readonly number[];
  from: number;
  fromStrides: readonly number[];
  to: number;
  toStrides: readonly number[];
}

function move(backend: NativeBackend, x: TensorInfo, y: TensorInfo, { shape, from, fromStrides, to, toStrides }: Move) {
  const dtype = x.dtype as "float32";
  const [source, target] = [backend.values(x, dtype), backend.values(y, dtype)];
  backend.kernels.copy(source, from, target, to, layout(shape, fromStrides, toStrides));
}

const serves = (x: TensorInfo): x is TensorInfo & { dtype: "float32" } =>
  isNumeric(x.dtype) && x.shape.length <= mostAxes;

const offset = (begin: readonly number[], strides: readonly number[]): number =>
  begin.reduce((sum, index, d) => sum + index * strides[d], 0);

/** The axes in another order. */
export function transposed(backend: NativeBackend, x: TensorInfo, perm: readonly number[]): TensorInfo | undefined {
  if (!serves(x)) return undefined;
  const strides = stridesOf(x.shape);
  const shape = perm.map((d) => x.shape[d]);
  const { info } = backend.output(shape, x.dtype);
  const fromStrides = perm.map((d) => strides[d]);
  move(backend, x, info, { shape, from: 0, fromStrides, to: 0, toStrides: stridesOf(shape) });
  return info;
}

/** x seen as four axes, the middle two exchanged, seen as `shape`. */
function turnMiddle({ inputs: { x }, attrs, backend }: OfX<{ axes: [number, number, number, number]; shape: number[] }>) {
  const [a, b, c, d] = attrs.axes;
  const { info } = backend.output(attrs.shape, "float32");
  const [fromStrides, toStrides] = [[b * c * d, d, c * d, 1], [b * c * d, b * d, d, 1]];
  move(backend, x, info, { shape: [a, c, b, d], from: 0, fromStrides, to: 0, toStrides });
  return info;
} // biome-ignore format: long lines

/** The box of `size` that begins at `begin`. */
function sliced(
  backend: NativeBackend,
  x: TensorInfo,
  begin: readonly number[],
  size: number[],
): TensorInfo | undefined {
  if (!serves(x)) return undefined;
  const fromStrides = stridesOf(x.shape);
  const { info } = backend.output(size, x.dtype);
  move(backend, x, info, {
    shape: size,
    from: offset(begin, fromStrides),
    fromStrides,
    to: 0,
    toStrides: stridesOf(size),
  });
  return info;
}

function slice({ inputs: { x }, attrs, backend }: OfX<{ begin: number[]; size: number[] }>) {
  const [begin, size] = tf.slice_util.parseSliceParams(x as never, attrs.begin, attrs.size);
  tf.slice_util.assertParamsValid(x as never, begin, size);
  return sliced(backend, x, begin, size);
}

function stridedSlice({ inputs: { x }, attrs, backend }: OfX<Record<string, never>>) {
  const { begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask } = attrs;
  const found = tf.slice_util.sliceInfo(
    x.shape,
    begin,
    end,
    strides,
    beginMask,
    endMask,
    ellipsisMask,
    newAxisMask,
    shrinkAxisMask,
  );
  if (found.isIdentity) return backend.share(x, found.finalShape);
  if (!serves(x)) return undefined;
  if (found.sliceDim0 || found.isSimpleSlice) {
    const size = tf.slice_util.computeOutShape(found.begin, found.end, found.strides).map((n) => Math.max(n, 0));
    return { ...(sliced(backend, x, found.begin, size) as TensorInfo), shape: found.finalShape };
  }
  const own = stridesOf(x.shape);
  const shape = found.finalShapeSparse;
  const { info } = backend.output(found.finalShape, x.dtype);
  const fromStrides = own.map((stride, d) => stride * found.strides[d]);
  if (sizeOf(shape) > 0)
    move(backend, x, info, { shape, from: offset(found.begin, own), fromStrides, to: 0, toStrides: stridesOf(shape) });
  return info;
}

function reverse({ inputs: { x }, attrs, backend }: OfX<{ dims: number[] }>) {
  if (!serves(x)) return undefined;
  const dims = tf.util.parseAxisParam(attrs.dims, x.shape);
  const strides = stridesOf(x.shape);
  const { info } = backend.output(x.shape, x.dtype);
  const last = x.shape.map((extent, d) => (dims.includes(d) ? extent - 1 : 0));
  const fromStrides = strides.map((stride, d) => (dims.includes(d) ? -stride : stride));
  if (sizeOf(x.shape) > 0)
    move(backend, x, info, { shape: x.shape, from: offset(last, strides), fromStrides, to: 0, toStrides: strides });
  return info;
}

/** One after another along an axis. */
function concatenated(backend: NativeBackend, inputs: TensorInfo[], axis: number): TensorInfo | undefined {
  if (inputs.some((x) => !serves(x) || x.dtype !== inputs[0].dtype)) return undefined;
  const shape = tf.backend_util.computeOutShape(
    inputs.map((x) => x.shape),
    axis,
  );
  const full = inputs.filter((x) => sizeOf(x.shape) > 0);
  if (full.length === 1) return backend.share(full[0], shape);
  const { info } = backend.output(shape, inputs[0].dtype as "float32");
  const toStrides = stridesOf(shape);
  let at = 0;
  for (const x of full) {
    move(backend, x, info, {
      shape: x.shape,
      from: 0,
      fromStrides: stridesOf(x.shape),
      to: at * toStrides[axis],
      toStrides,
    });
    at += x.shape[axis];
  }
  return info;
}

function concat({ inputs, attrs, backend }: KernelCall<TensorInfo[], { axis: number }>) {
  const [axis] = tf.util.parseAxisParam(attrs.axis, inputs[0].shape);
  tf.backend_util.assertParamsConsistent(
    inputs.map((x) => x.shape),
    axis,
  );
  return concatenated(backend, inputs, axis);
}

function pack({ inputs, attrs: { axis }, backend }: KernelCall<TensorInfo[], { axis: number }>) {
  const [{ shape, dtype }] = inputs;
  if (shape.length >= mostAxes || inputs.some((x) => x.dtype !== dtype || x.shape.join() !== shape.join()))
    return undefined;
  const raised = [...shape.slice(0, axis), 1, ...shape.slice(axis)];
  return concatenated(
    backend,
    inputs.map((x) => ({ ...x, shape: raised })),
    axis,
  );
}

function split({ inputs: { x }, attrs, backend }: OfX<{ numOrSizeSplits: number[] | number; axis: number }>) {
  if (!serves(x)) return undefined;
  const [axis] = tf.util.parseAxisParam(attrs.axis, x.shape);
  const sizes = tf.backend_util.prepareSplitSize(x as never, attrs.numOrSizeSplits, axis);
  let at = 0;
  return sizes.map((extent) => {
    const begin = x.shape.map((_, d) => (d === axis ? at : 0));
    at += extent;
    return sliced(
      backend,
      x,
      begin,
      x.shape.map((full, d) => (d === axis ? extent : full)),
    ) as TensorInfo;
  });
}

function unpack({ inputs: { value }, attrs, backend }: KernelCall<{ value: TensorInfo }, { axis: number }>) {
  const { shape } = value;
  if (!serves(value)) return undefined;
  const axis = attrs.axis < 0 ? attrs.axis + shape.length : attrs.axis;
  const outShape = shape.filter((_, d) => d !== axis);
  return Array.from({ length: shape[axis] }, (_, i) => {
    const part = sliced(
      backend,
      value,
      shape.map((_, d) => (d === axis ? i : 0)),
      shape.map((full, d) => (d === axis ? 1 : full)),
    );
    return { ...(part as TensorInfo), shape: outShape };
  });
}

function pad({ inputs: { x }, attrs, backend }: OfX<{ paddings: [number, number][]; constantValue: number }>) {
  if (!serves(x)) return undefined;
  const { paddings, constantValue } = attrs;
  const shape = x.shape.map((extent, d) => paddings[d][0] + extent + paddings[d][1]);
  const info = filled(backend, shape, x.dtype, constantValue);
  const toStrides = stridesOf(shape);
  const to = offset(
    paddings.map(([before]) => before),
    toStrides,
  );
  if (sizeOf(x.shape) > 0)
    move(backend, x, info, { shape: x.shape, from: 0, fromStrides: stridesOf(x.shape), to, toStrides });
  return info;
}

/** Every axis is repeated: in the layout an axis of the repeats, on which the source stays, before each axis of the source. */
function tile({ inputs: { x }, attrs: { reps }, backend }: OfX<{ reps: number[] }>) {
  if (!serves(x)) return undefined;
  const outShape = x.shape.map((extent, d) => extent * reps[d]);
  const [own, out] = [stridesOf(x.shape), stridesOf(outShape)];
  const axes = x.shape.flatMap((extent, d) => [
    { extent: reps[d], from: 0, to: extent * out[d] },
    { extent, from: own[d], to: out[d] },
  ]).filter(({ extent }) => extent !== 1); // biome-ignore format: a table
  if (axes.length > mostAxes) return undefined;
  const { info } = backend.output(outShape, x.dtype);
  const move_: Move = {
    shape: axes.map((a) => a.extent),
    from: 0,
    fromStrides: axes.map((a) => a.from),
    to: 0,
    toStrides: axes.map((a) => a.to),
  };
  if (sizeOf(outShape) > 0) move(backend, x, info, move_);
  return info;
}

/** Kernels that move elements and compute nothing: all of them boxes copied into boxes. */
export const movement = {
  Transpose: ({ inputs, attrs, backend }: OfX<{ perm: number[] }>) => transposed(backend, inputs.x, attrs.perm),
  EtalonTurnMiddle: turnMiddle,
  Slice: slice,
  StridedSlice: stridedSlice,
  Reverse: reverse,
  Concat: concat,
  Pack: pack,
  SplitV: split,
  Unpack: unpack,
  PadV2: pad,
  Tile: tile,
} as NativeKernels;
