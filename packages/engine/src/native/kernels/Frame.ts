import type { HeavyKernels, Recorder, StepKernels } from "@etalon/native/tensor";
import type { TensorInfo } from "@tensorflow/tfjs";
import { type NativeBackend, type Output, sizeOf } from "../NativeBackend.ts";

/** A layer's tensors by name; those that are left out are undefined. */
export type LayerInputs = Readonly<Record<string, TensorInfo | undefined>>;

/** The arrays of one call of a layer of several steps: its tensors by name, memory to work in, and the gradients that are asked for. */
export class Frame {
  readonly backend: NativeBackend;
  readonly heavy: HeavyKernels;
  readonly light: StepKernels;
  /** Tensors that were made, in their order. */
  readonly outputs: Output<Float32Array>[] = [];
  /** Memory that was taken for this call. */
  readonly workspace: Float32Array[] = [];
  readonly #inputs: LayerInputs;
  readonly #wants: readonly string[];
  readonly #gradients = new Map<string, Output<Float32Array>>();

  /** @param wants  names of tensors whose gradients are asked for */
  constructor(
    backend: NativeBackend,
    kernels: Pick<Recorder, "heavy" | "light">,
    inputs: LayerInputs,
    wants: readonly string[],
  ) {
    this.backend = backend;
    this.heavy = kernels.heavy;
    this.light = kernels.light;
    this.#inputs = inputs;
    this.#wants = wants;
  }

  has(name: string): boolean {
    return this.#inputs[name] !== undefined;
  }

  shape(name: string): number[] {
    return (this.#inputs[name] as TensorInfo).shape;
  }

  values(name: string): Float32Array {
    return this.backend.values(this.#inputs[name] as TensorInfo, "float32");
  }

  /** The values of a tensor that may be left out. */
  optional(name: string): Float32Array | undefined {
    return this.has(name) ? this.values(name) : undefined;
  }

  /** A tensor whose values the steps write. */
  output(shape: number[]): Output<Float32Array> {
    const made = this.backend.output(shape, "float32");
    this.outputs.push(made);
    return made;
  }

  /** Memory to the end of the call, holding anything. */
  scratch(length: number): Float32Array {
    const array = this.backend.pool.take("float32", length) as Float32Array;
    this.workspace.push(array);
    return array;
  }

  /** Memory in parts, one after the other. @param keep  whether it is a tensor, that outlives the call */
  parts(lengths: readonly number[], keep: boolean): { arrays: Float32Array[]; info?: TensorInfo } {
    const total = lengths.reduce((sum, length) => sum + length, 0);
    const kept = keep ? this.output([total]) : undefined;
    return { arrays: divided(kept?.values ?? this.scratch(total), lengths), info: kept?.info };
  }

  wants(name: string): boolean {
    return this.#wants.includes(name);
  }

  /** Where the gradient of a tensor goes; undefined where nobody asks for it. */
  gradient(name: string): Float32Array | undefined {
    if (!this.wants(name)) return undefined;
    const made = this.#gradients.get(name) ?? this.output(this.shape(name));
    this.#gradients.set(name, made);
    return made.values;
  }

  /** The gradients that are asked for, in that order. */
  gradients(): TensorInfo[] {
    return this.#wants.map((name) => (this.#gradients.get(name) as Output<Float32Array>).info);
  }
}

/** What a layer gives: its value and, where it is kept, what the gradients need. */
export const results = <T>(value: T, kept: T | undefined): T[] => (kept === undefined ? [value] : [value, kept]);

/** An array in parts, one after the other. */
export function divided(array: Float32Array, lengths: readonly number[]): Float32Array[] {
  let at = 0;
  return lengths.map((length) => {
    at += length;
    return array.subarray(at - length, at);
  });
}

/** Rows of a tensor's last axis. */
export const rowsOf = (shape: readonly number[]): number => sizeOf(shape.slice(0, -1));
