import { giveWords, type Tensor, takeWords, tf, turnRows, unpack, type Variable, written } from "@etalon/engine";
import { EtalonError } from "@etalon/errors";
import { type Dtype, floatDtypes, fromFloat32, type GivenTensor, writeSafetensors } from "@etalon/weights";
import { type Aliases, matchKeys } from "../weights/matchKeys.ts";
import { WeightReader } from "../weights/WeightReader.ts";
import type { WeightSource } from "../weights/WeightSource.ts";
import { memoryShape, type ParameterSpec, rowsOf, toFile } from "./layout.ts";

/** Below so many values a parameter is float32 whatever the file has: unpacking it each time would cost more than its memory is worth. */
const leastPacked = 4096;

interface Packed {
  kind: "f16" | "bf16";
  bits: Uint16Array;
}

/** How weights are loaded. */
export interface LoadOptions {
  /** Whether large F16 and BF16 parameters stay 16-bit words. */
  keepPacked: boolean;
  /** Whether NaN and infinity are refused. */
  finite: boolean;
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
      this.#dropPacked(name);
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
    const { outputs: rows, inputs, taps } = rowsOf(spec);
    this.#fill(name, (memory) => {
      if (spec.layout === "plain") memory.set(values);
      else turnRows(values, memory, { rows, inputs, taps, outputs: rows, first: 0 });
    });
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
    const spec = this.spec(name);
    const turned = tf.tidy(() => toFile(spec, tensor ?? this.get(name)));
    const data = turned.dataSync<"float32">().slice();
    turned.dispose();
    return { shape: spec.shape, data };
  }

  /**
   * Reads all parameters; nothing is taken where a name, shape or dtype does not fit.
   * @throws EtalonError BAD_FILE: names what is missing, unexpected, of another shape, of no float dtype, or not finite
   */
  load(source: WeightSource, aliases: Aliases, { keepPacked, finite }: LoadOptions): void {
    const keys = matchKeys(source, this.specs.values(), aliases);
    for (const key of keys.values()) checkFloat(source, key);
    const reader = new WeightReader(source, finite);
    for (const [name, key] of keys) {
      const { dtype } = source.info(key);
      const spec = this.spec(name);
      const { outputs, inputs, taps } = rowsOf(spec);
      const size = outputs * inputs * taps;
      if (keepPacked && size >= leastPacked && (dtype === "F16" || dtype === "BF16")) {
        const bits = takeWords(size);
        try {
          reader.read(key, spec, bits);
        } catch (error) {
          giveWords(bits);
          throw error;
        }
        this.#drop(name);
        this.#packed.set(name, { kind: dtype === "F16" ? "f16" : "bf16", bits });
      } else this.#fill(name, (values) => reader.read(key, spec, values));
    }
  }

  /** Writes all parameters as safetensors, one after another, atomically. */
  save(file: string, dtype: "F32" | "F16"): void {
    const tensors: Record<string, GivenTensor> = {};
    for (const [name, { shape }] of this.specs)
      tensors[name] = { dtype, shape, data: () => fromFloat32(this.values(name).data, dtype) };
    writeSafetensors(file, tensors, { format: "pt" });
  }

  dispose(): void {
    for (const variable of this.#variables.values()) variable.dispose();
    this.#variables.clear();
    for (const name of [...this.#packed.keys()]) this.#dropPacked(name);
  }

  /** A float32 variable whose values `write` puts into the engine's memory, laid out as there. */
  #fill(name: string, write: (values: Float32Array) => void): void {
    this.#replace(
      name,
      asVariable(() => written(memoryShape(this.spec(name)), write)),
    );
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
    this.#dropPacked(name);
  }

  #dropPacked(name: string): void {
    const packed = this.#packed.get(name);
    if (packed) giveWords(packed.bits);
    this.#packed.delete(name);
  }
}

/** A variable that is not trained. */
const asVariable = (values: () => Tensor): Variable =>
  tf.tidy(() => tf.variable(values(), false, undefined, "float32"));

const floats = floatDtypes.split(", ") as Dtype[];

function checkFloat(source: WeightSource, key: string): void {
  const { dtype } = source.info(key);
  if (floats.includes(dtype)) return;
  const detail = { argument: key, value: dtype, allowed: floatDtypes };
  throw new EtalonError("BAD_FILE", detail, { message: `${source.place}: ${key} is ${dtype}; allowed: ${floatDtypes}.` });
} // biome-ignore format: long lines
