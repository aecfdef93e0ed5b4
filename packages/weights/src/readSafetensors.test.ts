import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { parseHeader } from "./header.ts";
import { EtalonError, readSafetensors, type TensorData, writeSafetensors } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "etalon-weights-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "a.safetensors");

/** A file made by hand: 8 bytes of header length, the header, the data. */
function bytesOf(header: string, data: ArrayLike<number>, length = Buffer.byteLength(header)): Buffer {
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(length));
  return Buffer.concat([size, Buffer.from(header), Buffer.from(data)]);
}
const open = (header: string | object, data: ArrayLike<number> = [], length?: number) => {
  writeFileSync(file, bytesOf(typeof header === "string" ? header : JSON.stringify(header), data, length));
  return readSafetensors(file);
};
const entry = (dtype: string, shape: unknown, begin: unknown, end: unknown) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe("reads", () => {
  test("a file made by hand, tensors in the order of their bytes", () => {
    const one = [0, 0, 128, 63]; // 1.0 in float32, little-endian
    const read = open({ b: entry("BOOL", [2], 4, 6), a: entry("F32", [1, 1], 0, 4), __metadata__: { format: "pt" } }, [
      ...one,
      1,
      0,
    ]);
    expect(read.names).toEqual(["a", "b"]);
    expect(read.metadata).toEqual({ format: "pt" });
    expect(read.get("a")).toEqual({ dtype: "F32", shape: [1, 1], data: Float32Array.of(1) });
    expect(read.get("b")).toEqual({ dtype: "BOOL", shape: [2], data: Uint8Array.of(1, 0) });
    expect(read.info("b")).toEqual({ dtype: "BOOL", shape: [2] });
  });

  test.each([
    ["F64", Float64Array.of(-1.5, 3)],
    ["I64", BigInt64Array.of(-5n, 2n ** 62n)],
    ["U64", BigUint64Array.of(2n ** 64n - 1n)],
    ["I32", Int32Array.of(-7)],
    ["U32", Uint32Array.of(2 ** 32 - 1)],
    ["F16", Uint16Array.of(0x3c00)],
    ["BF16", Uint16Array.of(0x3f80)],
    ["I16", Int16Array.of(-2)],
    ["U16", Uint16Array.of(65535)],
    ["F8_E4M3", Uint8Array.of(0x7e)],
    ["F4", Uint8Array.of(0x12), 2],
    ["F6_E3M2", Uint8Array.of(1, 2, 3), 4],
    ["C64", Float32Array.of(1, 2), 1],
    ["I8", Int8Array.of(-128)],
    ["U8", Uint8Array.of(255)],
  ] as [string, TensorData, number?][])("%s", (dtype, data, elements = data.length) => {
    // An odd byte in front: the data lies at no multiple of its width in the file.
    const read = open(
      { pad: entry("U8", [1], 0, 1), x: entry(dtype, [elements], 1, 1 + data.byteLength) },
      Buffer.concat([Buffer.of(9), Buffer.from(data.buffer)]),
    );
    expect(read.get("x").data).toEqual(data);
  });

  test("scalars, empty tensors, no tensors, padded headers, names like __proto__", () => {
    expect(open({ s: entry("U8", [], 0, 1), e: entry("F32", [0, 3], 0, 0) }, [7]).get("s").data).toEqual(
      Uint8Array.of(7),
    );
    expect(readSafetensors(file).get("e").data).toEqual(new Float32Array(0));
    expect(open("{}   ").names).toEqual([]);
    expect(open('{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', [3]).get("__proto__").shape).toEqual([
      1,
    ]);
  });

  test("files of the reference writer: diffusers' and PEFT's LoRA, torch's cases", () => {
    const golden = (name: string) => fileURLToPath(new URL(`../golden/${name}.safetensors`, import.meta.url));
    expect(readSafetensors(golden("pytorch_lora_weights")).names).toContain(
      "transformer.single_transformer_blocks.0.attn.to_k.lora_A.weight",
    );
    expect(readSafetensors(golden("adapter_model")).metadata).toEqual({ format: "pt" });
    const cases = readSafetensors(golden("cases"));
    const { shape, data } = cases.get("hidden_states");
    expect(shape).toEqual([2, 6, 8]);
    expect(data.length).toBe(96);
    const raw = readFileSync(golden("cases"));
    const start = 8 + Number(raw.readBigUInt64LE(0));
    expect((data as Float32Array)[5]).toBe(raw.readFloatLE(start + 776 + 20)); // data_offsets [776, 1160] in its header
  });
});

describe("refuses, naming file and tensor", () => {
  const big = Number.MAX_SAFE_INTEGER;
  test.each<[string, string | object, number[], string]>([
    ["another dtype", { x: entry("F8", [1], 0, 1) }, [0], 'tensor "x" of dtype "F8"'],
    ["a dtype of Object.prototype", { x: entry("constructor", [1], 0, 1) }, [0], 'tensor "x" of dtype "constructor"'],
    ["a negative extent", { x: entry("U8", [-1], 0, 1) }, [0], 'tensor "x" of shape [-1]'],
    ["a shape that is no list", { x: entry("U8", 1, 0, 1) }, [0], 'tensor "x" of shape 1'],
    [
      "sizes that do not fit",
      { x: entry("F32", [2], 0, 4) },
      [0, 0, 0, 0],
      'tensor "x" with 4 bytes; allowed: 8 bytes',
    ],
    [
      "a product past all bounds",
      { x: entry("F32", [big, big], 0, 4) },
      [0, 0, 0, 0],
      'tensor "x" of shape [9007199254740991,9007199254740991]; allowed: a shape whose elements and bytes stay below 2^53.',
    ],
    [
      "a product past all bounds that a zero would hide",
      { x: entry("F32", [big, big, 0], 0, 0) },
      [],
      'tensor "x" of shape [9007199254740991,9007199254740991,0]',
    ],
    [
      "an extent past all bounds",
      '{"x":{"dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,0]}}',
      [],
      'tensor "x" of shape [18446744073709552000]; allowed: a list of whole numbers ≥ 0.',
    ],
    ["a fraction", { x: entry("U8", [1.5], 0, 1) }, [0], 'tensor "x" of shape [1.5]'],
    [
      "a whole number that is written as a fraction",
      '{"x":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}',
      [0],
      'the number "1.0" in its header; allowed: whole numbers in digits.',
    ],
    [
      "a number with an exponent",
      '{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1e0]}}',
      [0],
      'the number "1e0" in its header',
    ],
    ["a negative zero", '{"x":{"dtype":"U8","shape":[-0],"data_offsets":[0,0]}}', [], 'the number "-0" in its header'],
    [
      "4-bit elements that end within a byte",
      { x: entry("F4", [3], 0, 2) },
      [0, 0],
      'tensor "x", F4 [3], of 1.5 bytes; allowed: elements that fill whole bytes.',
    ],
    [
      "6-bit elements that end within a byte",
      { x: entry("F6_E2M3", [2], 0, 2) },
      [0, 0],
      'tensor "x", F6_E2M3 [2], of 1.5 bytes',
    ],
    [
      "a name that is no Unicode text",
      '{"\\ud800":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}',
      [],
      'the name "\\ud800"; allowed: names that are Unicode texts.',
    ],
    [
      "a dtype nested without end",
      `{"x":{"dtype":${"[".repeat(50_000)}${"]".repeat(50_000)},"shape":[],"data_offsets":[0,0]}}`,
      [],
      'tensor "x" of dtype',
    ],
    [
      "a header that begins otherwise",
      " {}",
      [],
      'a header that begins with byte 32; allowed: one that begins with "{" (is this a safetensors file?).',
    ],
    ["offsets in the wrong order", { x: entry("U8", [1], 1, 0) }, [0], 'tensor "x" at [1,0]'],
    ["offsets that are no numbers", { x: entry("U8", [1], "0", 1) }, [0], 'tensor "x" at ["0",1]'],
    ["an overlap", { x: entry("U8", [2], 0, 2), y: entry("U8", [2], 1, 3) }, [0, 0, 0], 'tensor "y" begins at byte 1'],
    ["a hole", { x: entry("U8", [1], 0, 1), y: entry("U8", [1], 2, 3) }, [0, 0, 0], 'tensor "y" begins at byte 2'],
    ["data that is cut", { x: entry("U8", [9], 0, 9) }, [0], "1 bytes of data; allowed: the 9 bytes"],
    ["bytes behind the end", { x: entry("U8", [1], 0, 1) }, [0, 0], "2 bytes of data; allowed: the 1 bytes"],
    ["an entry that is a number", { x: 1 }, [], 'tensor "x" without dtype'],
    [
      "metadata with a number",
      { __metadata__: { a: 1 } },
      [],
      '__metadata__ with 1 at "a"; allowed: an object of texts.',
    ],
    ["metadata that is null", { __metadata__: null }, [], "__metadata__ of another form"],
    [
      "a name that comes twice",
      '{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{}}',
      [],
      'the key "a" twice',
    ],
    ["a list", "[]", [], "a header that begins with byte 91"],
    ["no JSON", "{", [], "a header that is no JSON"],
    ["an empty header", "", [], "a header that is no JSON"],
  ])("%s", (_, header, data, message) => {
    const thrown = catching(() => open(header, data));
    expect(thrown.code).toBe("BAD_FILE");
    expect(thrown.message).toContain(`${file}: ${message}`);
  });

  test.each<[string, Buffer, string]>([
    ["an empty file", Buffer.alloc(0), "0 bytes; allowed: at least the 8 bytes"],
    [
      "a header of 2^63 bytes",
      bytesOf("{}", [], 2 ** 63),
      "a header of 9223372036854775808 bytes; allowed: at most 2 ",
    ],
    ["a header of 100 MB + 1", bytesOf("{}", [], 100_000_001), "a header of 100000001 bytes"],
    [
      "a header that is no UTF-8",
      Buffer.concat([bytesOf("", [], 3), Buffer.of(0x7b, 0xff, 0x7d)]),
      "a header that is no UTF-8",
    ],
  ])("%s", (_, bytes, message) => {
    writeFileSync(file, bytes);
    expect(catching(() => readSafetensors(file)).message).toContain(`${file}: ${message}`);
  });

  test("a header of 5 GB is refused by its length, in a sparse file that has as many bytes too: nothing of it is read", () => {
    const before = process.memoryUsage().arrayBuffers;
    for (const size of [8, 5e9 + 8]) {
      writeFileSync(file, bytesOf("", [], 5e9));
      truncateSync(file, size);
      expect(catching(() => readSafetensors(file)).message).toContain(
        `${file}: a header of 5000000000 bytes; allowed: at most `,
      );
    }
    truncateSync(file, 0);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000);
  });

  test("zeros, 100 MB of them, are refused by the first; a file cut at every byte, by what is missing", () => {
    const before = process.memoryUsage().arrayBuffers;
    writeFileSync(file, bytesOf("", [], 1e8));
    truncateSync(file, 1e8 + 8);
    expect(catching(() => readSafetensors(file)).message).toContain("a header that begins with byte 0");
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000);
    const whole = bytesOf(good, new Uint8Array(11));
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(file, whole.subarray(0, length));
      expect(catching(() => readSafetensors(file)).code).toBe("BAD_FILE");
    }
  });

  test("NaN and infinity, where finite numbers are asked for: the tensor and the first index", () => {
    writeSafetensors(file, {
      a: { dtype: "F32", shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, Number.NaN, Number.NaN) },
      b: { dtype: "BF16", shape: [2], data: Uint16Array.of(0x3f80, 0xff80) },
      c: { dtype: "F8_E5M2", shape: [1, 1, 2], data: Uint8Array.of(0x7b, 0x7c) },
      d: { dtype: "C64", shape: [2], data: Float32Array.of(1, 1, 1, Number.POSITIVE_INFINITY) },
      e: { dtype: "F64", shape: [], data: Float64Array.of(Number.NEGATIVE_INFINITY) },
      f: { dtype: "F16", shape: [1], data: Uint16Array.of(0x7bff) },
      g: { dtype: "U16", shape: [1], data: Uint16Array.of(0xffff) },
    });
    const { get } = readSafetensors(file);
    const at = { a: "[1, 1]", b: "[1]", c: "[0, 0, 1]", d: "[1]", e: "[]" };
    for (const [name, index] of Object.entries(at)) {
      expect(catching(() => get(name, { finite: true })).message).toBe(`${file}: tensor "${name}" is NaN or infinite at ${index}; allowed: finite numbers, unless finite: false asks for what is there.`);
      expect(get(name).dtype).toBeDefined();
    }
    for (const name of ["f", "g"]) expect(get(name, { finite: true }).data.length).toBe(1);
  }); // biome-ignore format: long lines

  test("readInto fills memory of the caller's with any part, and refuses one that leaves the tensor", () => {
    const read = open({ x: entry("U8", [4], 0, 4) }, [1, 2, 3, 4]);
    const bytes = new Uint8Array(2);
    read.readInto("x", bytes, 1);
    expect(bytes).toEqual(Uint8Array.of(2, 3));
    expect(catching(() => read.readInto("x", bytes, 3)).message).toBe("from, a byte of x is 3; allowed: a whole number ≥ 0 and ≤ 2.");
    expect(catching(() => read.readInto("x", bytes, 0.5)).code).toBe("OUT_OF_RANGE");
    expect(catching(() => read.readInto("x", new Uint8Array(5))).code).toBe("OUT_OF_RANGE");
    expect(bytes).toEqual(Uint8Array.of(2, 3));
  }); // biome-ignore format: long lines

  test("a file that is not there, a folder, a name that is not in it, a file cut after it was opened", () => {
    expect(catching(() => readSafetensors(join(folder, "none"))).code).toBe("NOT_FOUND");
    expect(catching(() => readSafetensors(folder)).message).toContain("no regular file");
    const read = open({ x: entry("U8", [9], 0, 9) }, new Uint8Array(9));
    expect(catching(() => read.get("toString")).code).toBe("NOT_FOUND");
    writeFileSync(file, readFileSync(file).subarray(0, -1));
    expect(catching(() => read.get("x")).message).toContain("cut at byte");
  });

  test("any header: an EtalonError or entries that tile the data, never another crash", () => {
    let refused = 0;
    const text = fc.array(edit, { maxLength: 3 }).map((edits) => edited(Buffer.from(good), edits).toString());
    fc.assert(
      fc.property(text, (header) => {
        try {
          const { entries } = parseHeader(file, header, 11);
          expect([...entries.values()].reduce((sum, { begin, end }) => sum + end - begin, 0)).toBe(11);
        } catch (error) {
          if (!EtalonError.is(error)) throw error;
          refused++;
        }
      }),
      { numRuns: 3000 },
    );
    expect(refused).toBeGreaterThan(1000);
  });

  test("any bytes: an EtalonError or a file that reads whole", () => {
    const whole = bytesOf(good, new Uint8Array(11));
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 2 }), (edits) => {
        writeFileSync(file, edited(whole, edits));
        try {
          const read = readSafetensors(file);
          for (const name of read.names) read.get(name);
        } catch (error) {
          if (!EtalonError.is(error)) throw error;
        }
      }),
      { numRuns: 200 },
    );
  });
});

const good = JSON.stringify({ __metadata__: { a: "b" }, x: entry("F32", [1, 2], 0, 8), y: entry("I8", [3], 8, 11) });
const pieces = ['"', "{", "}", "[", "]", ",", "9", "-", "1e9", "null", '"x":'].map((text) => Buffer.from(text));
const edit = fc.record({
  at: fc.nat(good.length - 1),
  drop: fc.nat(3),
  put: fc.oneof(fc.uint8Array({ maxLength: 4 }), fc.constantFrom(...pieces)),
});
function edited(bytes: Buffer, edits: { at: number; drop: number; put: Uint8Array }[]): Buffer {
  return edits.reduce((b, { at, drop, put }) => Buffer.concat([b.subarray(0, at), put, b.subarray(at + drop)]), bytes);
}

function catching(f: () => unknown): EtalonError {
  try {
    f();
  } catch (error) {
    if (EtalonError.is(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
