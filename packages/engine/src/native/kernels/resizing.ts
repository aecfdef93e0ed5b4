import type { TensorInfo } from "@tensorflow/tfjs";
import { sizeOf } from "../NativeBackend.ts";
import type { KernelCall, NativeKernel, NativeKernels } from "./NativeKernel.ts";

interface Attributes {
  alignCorners: boolean;
  halfPixelCenters: boolean;
}
type Sizes = [batch: number, rows: number, columns: number, toRows: number, toColumns: number, channels: number];

/** Of pictures before and after. */
const sizesOf = ([batch, rows, columns, channels]: number[], [toRows, toColumns]: number[]): Sizes => [
  batch,
  rows,
  columns,
  toRows,
  toColumns,
  channels,
];

type Forward = KernelCall<{ images: TensorInfo }, Attributes & { size: [number, number] }>;

const forward =
  (bilinear: boolean): NativeKernel<never, never> =>
  ({ inputs: { images: x }, attrs, backend }: Forward) => {
    const { dtype } = x;
    if (dtype !== "float32" && (bilinear || dtype !== "int32")) return undefined;
    const sizes = sizesOf(x.shape, attrs.size);
    if (sizes.includes(0)) return undefined;
    const y = backend.output([sizes[0], ...attrs.size, sizes[5]], dtype);
    backend.kernels.resize(bilinear, backend.values(x, dtype), y.values, ...sizes, attrs.alignCorners, attrs.halfPixelCenters); // biome-ignore format: a line
    return y.info;
  };

/** tfjs gives the pictures for their shape alone; resizeNearest gives just that. */
type Backward = KernelCall<{ dy: TensorInfo; images?: TensorInfo }, Attributes & { shape?: number[] }>;

const gradient =
  (bilinear: boolean): NativeKernel<never, never> =>
  ({ inputs: { dy, images }, attrs, backend }: Backward) => {
    const shape = images?.shape ?? (attrs.shape as number[]);
    if (dy.dtype !== "float32" || sizeOf(dy.shape) === 0 || sizeOf(shape) === 0) return undefined;
    const dx = backend.output(shape, "float32");
    const sizes = sizesOf(shape, dy.shape.slice(1, 3));
    backend.kernels.resizeGradient(bilinear, backend.values(dy, "float32"), dx.values, ...sizes, attrs.alignCorners, attrs.halfPixelCenters); // biome-ignore format: a line
    return dx.info;
  };

/** Pictures to another size. */
export const resizing: NativeKernels = {
  ResizeBilinear: forward(true),
  ResizeBilinearGrad: gradient(true),
  ResizeNearestNeighbor: forward(false),
  ResizeNearestNeighborGrad: gradient(false),
  EtalonResizeNearestGradient: gradient(false),
};
