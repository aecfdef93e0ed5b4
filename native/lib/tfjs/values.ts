import type { Engine, TensorInfo, TensorLike } from "./engine.ts";

/** Memory of a backend that typed arrays look into. */
interface Memory {
  /** A float32 tensor's own values: to be read at once, as a new tensor may move them, and not written. */
  read(tensor: TensorLike): Float32Array;
  /** A new float32 tensor, and where its values go. */
  make(shape: number[]): { info: TensorInfo; values: Float32Array };
}

/** The wasm backend, as much as is needed here. */
interface WasmBackend {
  makeOutput(shape: number[], dtype: "float32"): TensorInfo;
  typedArrayFromHeap(info: TensorInfo): Float32Array;
}

/** The native engine's backend (@etalon/engine), as much as is needed here. */
interface PoolBackend {
  readonly pool: object;
  output(shape: number[], dtype: "float32"): { info: TensorInfo; values: Float32Array };
  values(info: TensorInfo, dtype: "float32"): Float32Array;
}

/** The memory of the backends whose tensors can be read and written in place: wasm and native. */
export function memoryOf(backend: object): Memory | undefined {
  const wasm = backend as Partial<WasmBackend>;
  if (typeof wasm.makeOutput === "function" && typeof wasm.typedArrayFromHeap === "function") {
    const { makeOutput, typedArrayFromHeap } = wasm as WasmBackend;
    return {
      read: (tensor) => typedArrayFromHeap.call(backend, tensor),
      make: (shape) => {
        const info = makeOutput.call(backend, shape, "float32");
        return { info, values: typedArrayFromHeap.call(backend, info) };
      },
    };
  }
  const native = backend as Partial<PoolBackend>;
  if (native.pool && typeof native.output === "function" && typeof native.values === "function") {
    const { output, values } = native as PoolBackend;
    return {
      read: (tensor) => values.call(backend, tensor, "float32"),
      make: (shape) => output.call(backend, shape, "float32"),
    };
  }
  return undefined;
}

/**
 * What gives a float32 tensor's elements, without a copy where the backend allows: to be read at once, and not written.
 * @param tensors  all that will be asked for: what still lies in another backend's memory is brought over now, before anything is made
 */
export function reader({ backend }: Engine, tensors: readonly (TensorLike | undefined)[]) {
  const memory = memoryOf(backend);
  const read = (tensor: TensorLike): Float32Array => memory?.read(tensor) ?? (tensor.dataSync() as Float32Array);
  if (memory !== undefined) for (const tensor of tensors) if (tensor !== undefined) read(tensor);
  return read;
}

/** A new float32 tensor with what `fill` writes into it. An error of `fill` leaves nothing behind. */
export function filled(engine: Engine, shape: number[], fill: (out: Float32Array) => void): TensorLike {
  const memory = memoryOf(engine.backend);
  if (memory === undefined) {
    const out = new Float32Array(shape.reduce((product, length) => product * length, 1));
    fill(out);
    return engine.makeTensor(out, shape, "float32");
  }
  const { info, values } = memory.make(shape);
  const tensor = engine.makeTensorFromTensorInfo(info);
  try {
    fill(values);
    return tensor;
  } catch (error) {
    tensor.dispose();
    throw error;
  }
}
