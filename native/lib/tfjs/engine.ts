import { EtalonError } from "@etalon/errors";

/**
 * A tf.Tensor, as much of one as is needed here. Structural on purpose: this package neither depends on TensorFlow.js nor loads a copy of it, so it works with the one
 * that the caller has, of any version and package.
 */
export interface TensorLike {
  readonly shape: number[];
  readonly dtype: string;
  readonly size: number;
  readonly dataId: object;
  dataSync(): unknown;
  dispose(): void;
}

/** What a backend's kernels take and give. */
export interface TensorInfo {
  dataId: object;
  shape: number[];
  dtype: string;
}

/** The engine of TensorFlow.js, as much as is needed here: it knows the backend in use and keeps account of tensors. */
export interface Engine {
  readonly backendName: string;
  readonly backend: object;
  makeTensor(values: Float32Array, shape: number[], dtype: "float32"): TensorLike;
  makeTensorFromTensorInfo(info: TensorInfo): TensorLike;
}

/**
 * The engine of this process: every copy of tfjs-core shares the one that lies at globalThis._tfengine (tfjs-core/src/engine.ts, getOrMakeEngine). So a function that gets
 * tensors needs no `tf` beside them.
 * @throws EtalonError UNSUPPORTED: no TensorFlow.js here, or one with an engine of another kind
 */
export function engine(): Engine {
  const found = (globalThis as { _tfengine?: Partial<Engine> })._tfengine;
  if (typeof found?.makeTensor === "function" && typeof found.makeTensorFromTensorInfo === "function") {
    return found as Engine;
  }
  const message =
    "@etalon/native/tfjs finds no engine of TensorFlow.js in this process: import @tensorflow/tfjs first.";
  throw new EtalonError("UNSUPPORTED", {}, { message });
}
