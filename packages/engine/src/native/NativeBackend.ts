import { createRequire } from "node:module";
import { EtalonError } from "@etalon/errors";
import type { HeavyKernels, LightArray, LightKernels } from "@etalon/native/tensor";
import type {
  BackendValues,
  DataId,
  DataType,
  KernelBackend,
  Rank,
  ShapeMap,
  TensorInfo,
  TypedArray,
} from "@tensorflow/tfjs";
import type * as cpu from "@tensorflow/tfjs-backend-cpu";
import { tf } from "../tf.ts";
import { IdStorage } from "./IdStorage.ts";
import type { NativeKernel } from "./kernels/NativeKernel.ts";
import { type NumericType, Pool } from "./Pool.ts";

const require = createRequire(createRequire(import.meta.url).resolve("@tensorflow/tfjs"));
const { MathBackendCPU } = require("@tensorflow/tfjs-backend-cpu") as typeof cpu;

/** A tensor that was just made, and where its values go. */
export interface Output<T extends LightArray> {
  info: TensorInfo;
  values: T;
}

/**
 * TensorFlow.js's JavaScript backend on pooled memory of the addon. Every JavaScript kernel runs on it, on the same memory; kernels/ has the native ones.
 * One rule: the values of a numeric tensor are an array of the pool of just its dtype, which no other tensor and no user holds. What comes from outside is copied in, what
 * is read is copied out; tensors that share values share the data id, and its count.
 */
export class NativeBackend extends MathBackendCPU {
  readonly kernels: LightKernels;
  /** Undefined in an addon without them. */
  readonly heavy: HeavyKernels | undefined;
  readonly pool: Pool;
  /** The number of an operation of `kernels.unary` and `kernels.binary`, by name. */
  readonly unary: ReadonlyMap<string, number>;
  readonly binary: ReadonlyMap<string, number>;
  readonly #native: ReadonlyMap<string, NativeKernel>;
  /** Outputs of the kernel that runs. */
  readonly #made: DataId[] = [];

  constructor(
    kernels: LightKernels,
    heavy: HeavyKernels | undefined,
    native: ReadonlyMap<string, NativeKernel>,
    memory: { mostFree: number; most: number },
  ) {
    super();
    this.data = new IdStorage((dataId) => fromElsewhere(this, dataId)) as unknown as typeof this.data;
    this.kernels = kernels;
    this.heavy = heavy;
    this.#native = native;
    this.pool = new Pool(kernels, memory.mostFree, memory.most);
    const { unary, binary } = kernels.operations();
    this.unary = new Map(unary.map((name, i) => [name, i]));
    this.binary = new Map(binary.map((name, i) => [name, i]));
  }

  override write(values: BackendValues, shape: number[], dtype: DataType): DataId {
    const dataId = {};
    this.data.set(dataId, { values: this.#own(values, shape, dtype), dtype, refCount: 1 });
    return dataId;
  }

  override move(dataId: DataId, values: BackendValues, shape: number[], dtype: DataType, refCount: number): void {
    this.data.set(dataId, { values: this.#own(values, shape, dtype), dtype, refCount });
  }

  /** A new tensor whose values are yet to be written, within a kernel. @throws EtalonError UNSUPPORTED: out of memory */
  output<D extends NumericType>(shape: number[], dtype: D): Output<ArrayOf<D>> {
    const values = this.pool.take(dtype, sizeOf(shape)) as ArrayOf<D>;
    const dataId = {};
    this.data.set(dataId, { values, dtype, refCount: 1 });
    this.#made.push(dataId);
    return { info: { dataId, shape, dtype }, values };
  }

  /** Runs the native kernel of a name; undefined: there is none, or it does not serve these inputs. */
  run(name: string, inputs: object, attrs: object): TensorInfo | TensorInfo[] | undefined {
    const kernel = this.#native.get(name);
    return kernel && this.attempt(() => kernel({ inputs, attrs, backend: this, heavy: this.heavy } as never));
  }

  /** Runs what makes outputs; where it throws, halfway through them for want of memory, say, those made are freed. */
  attempt<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      for (const dataId of this.#made) this.disposeData(dataId, true);
      throw error;
    } finally {
      this.#made.length = 0;
    }
  }

  /** The same values under another shape or, where the bytes mean the same, dtype. */
  share(x: TensorInfo, shape: number[]): TensorInfo {
    this.incRef(x.dataId);
    return { dataId: x.dataId, shape, dtype: x.dtype };
  }

  /** A tensor's own values, to be read by kernels only. A JavaScript kernel may have left another kind of array under the dtype's name: that is converted. */
  values<D extends NumericType>(x: TensorInfo, dtype: D): ArrayOf<D> {
    const { values } = this.data.get(x.dataId);
    const Kind = constructors[dtype];
    return (values instanceof Kind ? values : Kind.from(values as ArrayLike<number>)) as ArrayOf<D>;
  }

  /** Whether nothing but this one tensor holds the values: they may be changed in place. */
  isAlone(x: TensorInfo): boolean {
    const { values, refCount } = this.data.get(x.dataId);
    return refCount === 1 && this.pool.owns(values as LightArray);
  }

  /** A copy: what the user does with it reaches no tensor, and it outlives the tensor. */
  override readSync(dataId: DataId): BackendValues {
    const values = super.readSync(dataId);
    return ArrayBuffer.isView(values) && this.pool.owns(values as LightArray) ? (values as TypedArray).slice() : values;
  }

  /** For the JavaScript kernels, which only read it and do not keep it: no copy. */
  override bufferSync<R extends Rank, D extends DataType>(x: TensorInfo) {
    const { values, dtype } = this.data.get(x.dataId);
    if (dtype === "string" || dtype === "complex64" || !ArrayBuffer.isView(values)) return super.bufferSync<R, D>(x);
    return tf.buffer(x.shape as ShapeMap[R], x.dtype as D, values as never);
  }

  override disposeData(dataId: DataId, force = false): boolean {
    if (!this.data.has(dataId)) return true;
    const { values } = this.data.get(dataId);
    if (!super.disposeData(dataId, force)) return false;
    if (ArrayBuffer.isView(values)) this.pool.give(values as LightArray);
    return true;
  }

  override memory() {
    return { unreliable: false, reasons: [], ...this.pool.state };
  }

  #own(values: BackendValues | undefined, shape: number[], dtype: DataType): BackendValues | undefined {
    if (values === undefined || values === null || !isNumeric(dtype)) return values;
    const own = this.pool.take(dtype, sizeOf(shape));
    if (values.length !== own.length) {
      this.pool.give(own);
      throw new EtalonError("BAD_SHAPE", { argument: "number of values", value: values.length, allowed: `${own.length}, for the shape [${shape}]` });
    } // biome-ignore format: a line
    own.set(values as ArrayLike<number>);
    return own;
  }
}

/** A tensor that lies on another backend is brought here by tfjs; one that lies nowhere is refused. */
function fromElsewhere(backend: KernelBackend, dataId: DataId): void {
  const engine = tf.engine() as unknown as {
    state: { tensorInfo: WeakMap<DataId, unknown> };
    moveData(to: KernelBackend, dataId: DataId): void;
  };
  if (!engine.state.tensorInfo.has(dataId)) {
    const [argument, value] = ["tensor", "one without data"];
    const hint = "It was disposed, or belongs to another copy of TensorFlow.js.";
    throw new EtalonError("BAD_TYPE", { argument, value, allowed: "a tensor that is alive", hint });
  }
  engine.moveData(backend, dataId);
}

/** The typed array of a dtype. */
export type ArrayOf<D extends NumericType> = D extends "float32"
  ? Float32Array
  : D extends "int32"
    ? Int32Array
    : Uint8Array;

const constructors = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** Whether the backend keeps tensors of this dtype in its pool. */
export const isNumeric = (dtype: DataType): dtype is NumericType => dtype in constructors;

/** Elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}
