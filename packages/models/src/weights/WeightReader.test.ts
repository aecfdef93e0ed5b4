import { engine } from "@etalon/engine";
import { fromFloat32, type StoredTensor, toFloat32 } from "@etalon/weights";
import { beforeAll, describe, expect, test } from "vitest";
import type { ParameterSpec } from "../nn/layout.ts";
import { WeightReader } from "./WeightReader.ts";
import type { WeightSource } from "./WeightSource.ts";

beforeAll(async () => {
  await engine();
});

/** A source of one tensor, that notes how many bytes it was asked for at a time. */
function sourceOf(tensor: StoredTensor): WeightSource & { asked: number[] } {
  const bytes = new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
  const asked: number[] = [];
  const readInto = (_: string, into: Uint8Array, from = 0) => {
    asked.push(into.length);
    into.set(bytes.subarray(from, from + into.length));
  };
  return { place: "file", names: ["w"], info: () => tensor, get: () => tensor, readInto, asked };
}

const specs: ParameterSpec[] = [
  { name: "w", layout: "linear", shape: [100, 37] },
  { name: "w", layout: "linear", shape: [70, 5, 1, 1] },
  { name: "w", layout: "conv", shape: [67, 5, 3, 3] },
  { name: "w", layout: "plain", shape: [131, 7] },
];

describe.each(specs)("$layout $shape", (spec) => {
  const [outputs, inputs, height = 1, width = 1] = spec.shape;
  const taps = height * width;
  const numbers = Float32Array.from({ length: outputs * inputs * taps }, (_, i) => (i % 2039) / 4 - 200);
  /** The numbers as memory has them, one by one. */
  const placed = (values: ArrayLike<number>) =>
    Array.from(values, (_, i) => {
      if (spec.layout === "plain") return values[i];
      const [o, at] = [i % outputs, Math.floor(i / outputs)];
      return values[(o * inputs + (at % inputs)) * taps + Math.floor(at / inputs)];
    });

  test.each([1, 4096, 2 ** 21])("in parts of %d bytes or so: words as they are, any float as float32", (partBytes) => {
    for (const dtype of ["F32", "F16", "BF16", "F64"] as const) {
      const data = dtype === "F64" ? Float64Array.from(numbers) : fromFloat32(numbers, dtype);
      const tensor: StoredTensor = { dtype, shape: spec.shape, data };
      const source = sourceOf(tensor);
      const floats = new Float32Array(numbers.length);
      new WeightReader(source, true, partBytes).read("w", spec, floats);
      expect(Array.from(floats), dtype).toEqual(placed(toFloat32(tensor)));
      expect(source.asked.reduce((a, b) => a + b)).toBe(data.byteLength);
      if (partBytes === 1) expect(source.asked.length).toBe(Math.ceil(rowsOf(spec) / 32));
      if (dtype !== "F16" && dtype !== "BF16") continue;
      const words = new Uint16Array(numbers.length);
      new WeightReader(source, true, partBytes).read("w", spec, words);
      expect(Array.from(words), dtype).toEqual(placed(data));
    }
  });

  test("NaN in the last part is told by its index in the file, or read as it is", () => {
    const data = numbers.slice();
    data[data.length - 2] = Number.NaN;
    const source = sourceOf({ dtype: "F32", shape: spec.shape, data });
    const floats = new Float32Array(data.length);
    const last = spec.shape.map((extent) => extent - 1);
    const axis = spec.shape.findLastIndex((extent) => extent > 1);
    const index = last.map((each, i) => (i === axis ? each - 1 : each)).join(", ");
    expect(() => new WeightReader(source, true, 1).read("w", spec, floats)).toThrow(`file: tensor "w" is NaN or infinite at [${index}]; allowed: finite numbers`); // biome-ignore format: one thought
    new WeightReader(source, false, 1).read("w", spec, floats);
    expect(floats.filter(Number.isNaN).length).toBe(1);
  });
});

const rowsOf = ({ layout, shape }: ParameterSpec): number => (layout === "plain" ? shape[0] * shape[1] : shape[0]);
