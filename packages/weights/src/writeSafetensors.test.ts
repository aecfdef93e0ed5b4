import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { EtalonError, readSafetensors, type StoredTensor, writeSafetensors } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "etalon-weights-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "a.safetensors");

test.each(["pytorch_lora_weights", "adapter_model", "cases", "dtypes"])(
  "%s, read and written, has the reference writer's bytes",
  (name) => {
    const golden = fileURLToPath(new URL(`../golden/${name}.safetensors`, import.meta.url));
    const { names, metadata, get } = readSafetensors(golden);
    const tensors = Object.fromEntries(names.map((key) => [key, get(key)]));
    writeSafetensors(file, tensors, Object.keys(metadata).length > 0 ? metadata : undefined);
    expect(readFileSync(file).equals(readFileSync(golden))).toBe(true);
  },
);

test("the bytes, one by one", () => {
  writeSafetensors(file, {
    b: { dtype: "U8", shape: [3], data: Uint8Array.of(1, 2, 3) },
    a: { dtype: "F32", shape: [], data: Float32Array.of(1) },
  });
  const header =
    '{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[3],"data_offsets":[4,7]}}';
  const bytes = readFileSync(file);
  expect(bytes.readBigUInt64LE(0)).toBe(BigInt(Math.ceil(header.length / 8) * 8));
  expect(bytes.subarray(8).toString("latin1")).toBe(
    `${header.padEnd(Math.ceil(header.length / 8) * 8)}\0\0\x80\x3f\x01\x02\x03`,
  );
});

test("law: what is written is read, whatever the order of the names", () => {
  const tensor = fc.oneof(
    fc.float32Array().map((data): StoredTensor => ({ dtype: "F32", shape: [data.length], data })),
    fc.uint16Array().map((data): StoredTensor => ({ dtype: "BF16", shape: [1, data.length], data })),
    fc.bigInt64Array().map((data): StoredTensor => ({ dtype: "I64", shape: [data.length, 1], data })),
  );
  const name = fc
    .string({ unit: "binary" })
    .filter((text) => text !== "__metadata__" && Buffer.from(text).toString() === text);
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(name, tensor), { selector: ([key]) => key, maxLength: 6 }), (entries) => {
      writeSafetensors(file, Object.fromEntries(entries), { note: "ü" });
      const bytes = readFileSync(file);
      const read = readSafetensors(file);
      expect(read.metadata).toEqual({ note: "ü" });
      expect([...read.names].sort()).toEqual(entries.map(([key]) => key).sort());
      for (const [key, value] of entries) expect(read.get(key)).toEqual(value);
      writeSafetensors(file, Object.fromEntries([...entries].reverse()), { note: "ü" });
      expect(readFileSync(file).equals(bytes)).toBe(true);
    }),
    { numRuns: 25 },
  );
});

test.each<[string, Record<string, unknown>, string]>([
  [
    "another array than the dtype's",
    { x: { dtype: "F16", shape: [1], data: Float32Array.of(1) } },
    "data of x is Float32Array of length 1; allowed: the typed array that holds F16.",
  ],
  [
    "a shape that does not fit",
    { x: { dtype: "F32", shape: [2], data: Float32Array.of(1) } },
    "data of x is Float32Array of length 1; allowed: as many elements as the shape [2] tells.",
  ],
  [
    "a negative shape",
    { x: { dtype: "F32", shape: [-1, -1], data: Float32Array.of(1) } },
    "shape of x is [-1,-1]; allowed: a list of whole numbers ≥ 0.",
  ],
  ["an unknown dtype", { x: { dtype: "f32", shape: [1], data: Float32Array.of(1) } }, 'dtype of x is "f32"'],
  [
    "the reserved name",
    { __metadata__: { dtype: "U8", shape: [0], data: new Uint8Array(0) } },
    'name is "__metadata__"; allowed: any other text.',
  ],
])("refuses %s, and leaves the older file", (_, tensors, message) => {
  writeFileSync(file, "older");
  expect(() => writeSafetensors(file, tensors as Record<string, StoredTensor>)).toThrow(message);
  expect(readFileSync(file, "utf8")).toBe("older");
});

test("refuses metadata that is no text, and a place that cannot be written; leaves nothing behind", () => {
  expect(() => writeSafetensors(file, {}, { step: 3 as unknown as string })).toThrow(
    "metadata.step is 3; allowed: a text.",
  );
  const taken = join(folder, "taken");
  mkdirSync(taken, { recursive: true });
  const before = readdirSync(folder);
  for (const target of [taken, join(folder, "none", "a")]) {
    try {
      writeSafetensors(target, {});
      expect.unreachable();
    } catch (error) {
      expect(EtalonError.is(error) && error.code).toBe("IO");
    }
  }
  expect(readdirSync(folder)).toEqual(before);
});

test("data that are asked for: one tensor after another, in the file's order; where one fails, the older file stands", () => {
  const asked: string[] = [];
  const lazy = (name: string, value: number) => ({
    dtype: "F32" as const,
    shape: [2],
    data: () => {
      asked.push(name);
      return Float32Array.of(value, value);
    },
  });
  writeSafetensors(file, { b: lazy("b", 2), a: lazy("a", 1) });
  expect(asked).toEqual(["a", "b"]);
  const { get } = readSafetensors(file);
  expect([get("a").data, get("b").data]).toEqual([Float32Array.of(1, 1), Float32Array.of(2, 2)]);
  const [before, there] = [readFileSync(file), readdirSync(folder)];
  const wrong = { ...lazy("b", 2), data: () => Float32Array.of(1) };
  expect(() => writeSafetensors(file, { a: lazy("a", 1), b: wrong })).toThrow("data of b is Float32Array of length 1");
  const thrown = new Error("out of patience");
  const failing = { ...wrong, data: () => { throw thrown; } }; // biome-ignore format: one thought
  expect(() => writeSafetensors(file, { a: lazy("a", 1), b: failing })).toThrow(thrown);
  expect(readFileSync(file).equals(before)).toBe(true);
  expect(readdirSync(folder)).toEqual(there);
});

test("a link is followed and permissions are kept", () => {
  const [real, link] = [join(folder, "real"), join(folder, "link")];
  writeSafetensors(real, {});
  chmodSync(real, 0o640);
  symlinkSync(real, link);
  writeSafetensors(link, { a: { dtype: "U8", shape: [1], data: Uint8Array.of(7) } });
  expect(readSafetensors(real).names).toEqual(["a"]);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(statSync(real).mode & 0o777).toBe(0o640);
});
