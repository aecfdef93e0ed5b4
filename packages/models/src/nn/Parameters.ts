import { type Tensor, tf, unpack, type Variable } from "@etalon/engine";
import { EtalonError } from "@etalon/errors";
import { fromFloat32, type StoredTensor, toFloat32, writeSafetensors } from "@etalon/weights";
import { type Aliases, matchKeys } from "../weights/matchKeys.ts";
import type { WeightSource } from "../weights/WeightSource.ts";
import { memoryShape, type ParameterSpec, toFile, toMemory } from "./layout.ts";

/** Below so many values a parameter is float32 whatever the file has: unpacking it each time would cost more than its memory is worth. */
const leastPacked = 4096;

interface Packed {
  kind: "f16" | "bf16";
  bits: Uint16Array;
}

/**
 * A model's parameters under their file names: float32 variables, or 16-bit words as the file has them, unpacked each time they are read. They are not trained until
 * `variable` or the model's `parameters` says so.
 */
export class Parameters {
  readonly specs = new Map<string, ParameterSpec>();
  readonly #variables = new Map<string, Variable>();
  readonly #packed = new Map<string, Packed>();

  /** Tells that there is such a parameter; its values come later. */
  declare(spec: ParameterSpec): void {
    if (this.specs.has(spec.name)) throw new EtalonError("EXISTS", { argument: "parameter", value: spec.name, allowed: "a name of its own" }); // biome-ignore format: one thought
    this.specs.set(spec.name, spec);
  }

  /** The parameters that are float32 variables now. */
  get variables(): ReadonlyMap<string, Variable> {
    return this.#variables;
  }

  /** Bytes that the values take at rest. */
  get bytes(): number {
    let sum = 0;
    for (const { shape, name } of this.specs.values()) {
      sum += (this.#packed.has(name) ? 2 : 4) * shape.reduce((a, b) => a * b, 1);
    }
    return sum;
  }

  /** A parameter's values, laid out as in memory. Of a packed one it is a new tensor: call within tf.tidy. */
  get(name: string): Tensor {
    const variable = this.#variables.get(name);
    if (variable) return variable;
    const packed = this.#packed.get(name);
    if (packed) return unpack(packed.kind, packed.bits, memoryShape(this.spec(name)));
    throw new EtalonError("NOT_FOUND", { argument: "parameter", value: name, allowed: "one that was loaded" });
  }

  /** A parameter as a float32 variable, unpacked for good where it was packed. */
  variable(name: string): Variable {
    const packed = this.#packed.get(name);
    if (packed) {
      const tensor = unpack(packed.kind, packed.bits, memoryShape(this.spec(name)));
      this.#variables.set(
        name,
        asVariable(() => tensor),
      );
      tensor.dispose();
      this.#packed.delete(name);
    }
    return this.get(name) as Variable;
  }

  spec(name: string): ParameterSpec {
    const spec = this.specs.get(name);
    if (spec) return spec;
    throw new EtalonError("NOT_FOUND", { argument: "parameter", value: name, allowed: "a parameter of the model" });
  }

  /** Takes float32 values laid out as in the file. */
  set(name: string, values: Float32Array): void {
    const spec = this.spec(name);
    this.#replace(
      name,
      asVariable(() => tf.tensor(toMemory(spec, values), memoryShape(spec), "float32")),
    );
  }

  /** Takes a tensor laid out as in memory; it stays the caller's. */
  assign(name: string, tensor: Tensor): void {
    this.#replace(
      name,
      asVariable(() => tensor),
    );
  }

  /** A parameter's values laid out as in the file, with its shape there. */
  values(name: string): { shape: readonly number[]; data: Float32Array } {
    return this.inFile(name, undefined);
  }

  /** A gradient's or another tensor's values, laid out as the parameter is in the file. */
  inFile(name: string, tensor: Tensor | undefined): { shape: readonly number[]; data: Float32Array } {
    const own = tensor ?? tf.tidy(() => this.get(name).clone());
    const data = own.dataSync<"float32">().slice();
    if (tensor === undefined) own.dispose();
    return { shape: this.spec(name).shape, data: toFile(this.spec(name), data) };
  }

  /**
   * Reads all parameters; nothing is taken where one does not fit.
   * @param keepPacked  whether large F16 and BF16 parameters stay 16-bit words
   * @throws EtalonError BAD_FILE: names what is missing, unexpected, of another shape or of no float dtype
   */
  load(source: WeightSource, aliases: Aliases, keepPacked: boolean): void {
    const keys = matchKeys(source, this.specs.values(), aliases);
    for (const [name, key] of keys) {
      const stored = source.get(key);
      const isLarge = stored.data.length >= leastPacked;
      if (keepPacked && isLarge && (stored.dtype === "F16" || stored.dtype === "BF16")) {
        const kind = stored.dtype === "F16" ? "f16" : "bf16";
        this.#drop(name);
        this.#packed.set(name, { kind, bits: toMemory(this.spec(name), stored.data as Uint16Array) });
      } else this.set(name, floats(source.place, key, stored));
    }
  }

  /** Writes all parameters as safetensors, atomically. */
  save(file: string, dtype: "F32" | "F16"): void {
    const tensors: Record<string, StoredTensor> = {};
    for (const name of this.specs.keys()) {
      const { shape, data } = this.values(name);
      tensors[name] = { dtype, shape, data: fromFloat32(data, dtype) };
    }
    writeSafetensors(file, tensors, { format: "pt" });
  }

  dispose(): void {
    for (const variable of this.#variables.values()) variable.dispose();
    this.#variables.clear();
    this.#packed.clear();
  }

  #replace(name: string, variable: Variable): void {
    const trainable = this.#variables.get(name)?.trainable ?? false;
    this.#drop(name);
    variable.trainable = trainable;
    this.#variables.set(name, variable);
  }

  #drop(name: string): void {
    this.#variables.get(name)?.dispose();
    this.#variables.delete(name);
    this.#packed.delete(name);
  }
}

/** A variable that is not trained. */
const asVariable = (values: () => Tensor): Variable =>
  tf.tidy(() => tf.variable(values(), false, undefined, "float32"));

function floats(place: string, key: string, stored: StoredTensor): Float32Array {
  try {
    return toFloat32(stored);
  } catch (cause) {
    const detail = { argument: key, value: stored.dtype, allowed: "F64, F32, F16, BF16" };
    throw new EtalonError("BAD_FILE", detail, { message: `${place}: ${key} is ${stored.dtype}; allowed: ${detail.allowed}.`, cause }); // biome-ignore format: one thought
  }
}
