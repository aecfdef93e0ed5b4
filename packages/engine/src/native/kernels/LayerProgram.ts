import type { HeavyKernels, Place, Recorder } from "@etalon/native/tensor";
import type { TensorInfo } from "@tensorflow/tfjs";
import type { NativeBackend } from "../NativeBackend.ts";
import type { Frame, LayerInputs } from "./Frame.ts";
import { packed } from "./packed.ts";

/** The steps of a layer for certain shapes and attributes: one call of the addon, over its inputs, its outputs and one array to work in, in that order. */
export class LayerProgram {
  readonly #program: Float64Array;
  readonly #names: readonly string[];
  readonly #shapes: readonly (readonly number[])[];
  readonly #attributes: object;
  readonly #outputs: readonly number[][];
  /** Of the outputs, those that the layer gives, in its order. */
  readonly #given: readonly number[];
  readonly #workspace: number;

  private constructor(program: Float64Array, inputs: LayerInputs, attributes: object, frame: Frame, made: readonly TensorInfo[], workspace: number) {
    this.#program = program;
    this.#names = namesOf(inputs);
    this.#shapes = this.#names.map((name) => [...(inputs[name] as TensorInfo).shape]);
    this.#attributes = structuredClone(attributes);
    this.#outputs = frame.outputs.map(({ info }) => [...info.shape]);
    this.#given = made.map((info) => frame.outputs.findIndex((output) => output.info === info));
    this.#workspace = workspace;
  } // biome-ignore format: a long line

  /** What a frame recorded; undefined where an array is neither input, output nor workspace, or is two inputs at once, so that a step does not tell which it read. */
  static of(frame: Frame, record: Recorder, inputs: LayerInputs, attributes: object, made: readonly TensorInfo[]): LayerProgram | undefined {
    const places = new Map<ArrayBufferLike, Place>();
    const given = [...namesOf(inputs).map((name) => frame.values(name)), ...frame.outputs.map(({ values }) => values)];
    for (const [place, array] of given.entries()) places.set(array.buffer, { place, offset: -start(array) });
    if (places.size < given.length) return undefined;
    const { offsets, length } = packed(frame.workspace, record.lives());
    for (const [array, offset] of offsets) places.set(array.buffer, { place: given.length, offset: offset - start(array) });
    const program = record.program((array) => {
      const found = places.get(array.buffer);
      return found && { place: found.place, offset: found.offset + start(array) };
    });
    return program && new LayerProgram(program, inputs, attributes, frame, made, length);
  } // biome-ignore format: long lines

  fits(inputs: LayerInputs, attributes: object): boolean {
    for (let i = 0; i < this.#names.length; i++) {
      const input = inputs[this.#names[i]];
      if (input === undefined || !same(input.shape, this.#shapes[i])) return false;
    }
    return same(attributes, this.#attributes) && namesOf(inputs).length === this.#names.length;
  }

  run(heavy: HeavyKernels, backend: NativeBackend, inputs: LayerInputs): TensorInfo[] {
    const arrays = this.#names.map((name) => backend.values(inputs[name] as TensorInfo, "float32"));
    const made = this.#outputs.map((shape) => backend.output(shape, "float32"));
    for (const { values } of made) arrays.push(values);
    const workspace = backend.pool.take("float32", this.#workspace) as Float32Array;
    arrays.push(workspace);
    try {
      heavy.run(this.#program, arrays);
    } finally {
      backend.pool.give(workspace);
    }
    return this.#given.map((i) => made[i].info);
  }
}

/** Elements from the beginning of an array's memory. */
const start = (array: Float32Array) => array.byteOffset / array.BYTES_PER_ELEMENT;

function namesOf(inputs: LayerInputs): string[] {
  const names: string[] = [];
  for (const name in inputs) if (inputs[name] !== undefined) names.push(name);
  return names;
}

/** Whether two values made of numbers, words, booleans, lists and records are equal. */
function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!same(a[i], b[i])) return false;
    return true;
  }
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null || Array.isArray(b)) return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  let count = 0;
  for (const key in left) {
    if (!(key in right) || !same(left[key], right[key])) return false;
    count++;
  }
  for (const _ in right) count--;
  return count === 0;
}
