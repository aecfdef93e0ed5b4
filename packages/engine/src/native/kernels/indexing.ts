import type { DataType, TensorInfo } from "@tensorflow/tfjs";
import { tf } from "../../tf.ts";
import { isNumeric, sizeOf } from "../NativeBackend.ts";
import { filled } from "./elementwise.ts";
import type { KernelCall, NativeKernels } from "./NativeKernel.ts";

function gather({ inputs: { x, indices }, attrs, backend }: KernelCall<{ x: TensorInfo; indices: TensorInfo }, { axis: number; batchDims?: number }>) {
  if (!isNumeric(x.dtype)) return undefined;
  const [axis] = tf.util.parseAxisParam(attrs.axis, x.shape);
  const found = tf.backend_util.segment_util.collectGatherOpShapeInfo(x as never, indices as never, axis, attrs.batchDims ?? 0);
  const { batchSize, outerSize, dimSize, sliceSize, outputShape } = found;
  const { info, values } = backend.output(outputShape, x.dtype);
  const each = sizeOf(indices.shape) / batchSize;
  const [source, at] = [backend.values(x, x.dtype), backend.values(indices, "int32")];
  const wrong = backend.kernels.gather(source, at, values, batchSize, outerSize, dimSize, sliceSize, each);
  if (wrong < 0) return info;
  backend.disposeIntermediateTensorInfo(info);
  throw new Error(`GatherV2: the index value ${at[wrong]} is not in [0, ${dimSize - 1}]`);
} // biome-ignore format: long lines

function segmentSum({ inputs: { x, segmentIds }, attrs: { numSegments }, backend }: KernelCall<{ x: TensorInfo; segmentIds: TensorInfo }, { numSegments: number }>) {
  if (x.dtype !== "float32" || segmentIds.shape.length !== 1) return undefined;
  const inner = x.shape.slice(1);
  const { info, values } = backend.output([numSegments, ...inner], "float32");
  const [source, at] = [backend.values(x, "float32"), backend.values(segmentIds, "int32")];
  backend.kernels.segmentSum(source, at, values, at.length, sizeOf(inner), numSegments);
  return info;
} // biome-ignore format: long lines

interface OneHot {
  depth: number;
  onValue: number;
  offValue: number;
  dtype?: DataType;
}

function oneHot({ inputs: { indices }, attrs: { depth, onValue, offValue, dtype }, backend }: KernelCall<{ indices: TensorInfo }, OneHot>) {
  const type = dtype ?? "int32";
  if (!isNumeric(type)) return undefined;
  const info = filled(backend, [...indices.shape, depth], type, offValue);
  const values = backend.values(info, type);
  for (const [row, index] of backend.values(indices, "int32").entries()) {
    if (index >= 0 && index < depth) values[row * depth + index] = onValue;
  }
  return info;
} // biome-ignore format: long lines

/** Kernels that go by indices. */
export const indexing = {
  GatherV2: gather,
  UnsortedSegmentSum: segmentSum,
  EtalonScatterRows: segmentSum,
  OneHot: oneHot,
} as NativeKernels;
