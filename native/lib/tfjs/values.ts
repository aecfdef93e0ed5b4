import type { Engine, TensorInfo, TensorLike } from "./engine.ts";

/** The wasm backend, as much as is needed here: its tensors lie in WebAssembly memory, that typed arrays can look into. */
interface HeapBackend {
  makeOutput(shape: number[], dtype: "float32"): TensorInfo;
  typedArrayFromHeap(info: TensorInfo): Float32Array;
}

/** Whether tensors of this backend can be read and written in place. */
export function isHeapBackend(backend: object): backend is HeapBackend {
  const { makeOutput, typedArrayFromHeap } = backend as Partial<HeapBackend>;
  return typeof makeOutput === "function" && typeof typedArrayFromHeap === "function";
}

/**
 * What gives a float32 tensor's elements, without a copy where the backend allows: to be read at once, and not written. On wasm they are views of its memory, which a new tensor
 * may move.
 * @param tensors  all that will be asked for: what still lies in another backend's memory is brought over now
 */
export function reader({ backend }: Engine, tensors: readonly (TensorLike | undefined)[]) {
  const read = (tensor: TensorLike): Float32Array =>
    isHeapBackend(backend) ? backend.typedArrayFromHeap(tensor) : (tensor.dataSync() as Float32Array);
  if (isHeapBackend(backend)) for (const tensor of tensors) if (tensor !== undefined) read(tensor);
  return read;
}

/** A new float32 tensor with what `fill` writes into it. An error of `fill` leaves nothing behind. */
export function filled(engine: Engine, shape: number[], fill: (out: Float32Array) => void): TensorLike {
  const { backend } = engine;
  if (!isHeapBackend(backend)) {
    const out = new Float32Array(shape.reduce((product, length) => product * length, 1));
    fill(out);
    return engine.makeTensor(out, shape, "float32");
  }
  const tensor = engine.makeTensorFromTensorInfo(backend.makeOutput(shape, "float32"));
  try {
    fill(backend.typedArrayFromHeap(tensor));
    return tensor;
  } catch (error) {
    tensor.dispose();
    throw error;
  }
}
