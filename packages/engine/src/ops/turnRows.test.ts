import { describe, expect, test } from "vitest";
import { started } from "../../test/startEngine.ts";
import { firstNotFinite, giveWords, takeWords, tf, turnRows, unpack, written } from "../index.ts";
import { firstInJavaScript } from "./firstNotFinite.ts";
import { turnInJavaScript } from "./turnRows.ts";

const forms = { "the addon's or the engine's way": turnRows, JavaScript: turnInJavaScript };

describe.each(Object.entries(forms))("turnRows, %s", (_, turn) => {
  test.each([
    { outputs: 1, inputs: 1, taps: 1 },
    { outputs: 5, inputs: 3, taps: 9 },
    { outputs: 17, inputs: 16, taps: 1 },
    { outputs: 64, inputs: 33, taps: 1 },
    { outputs: 96, inputs: 80, taps: 9 },
    { outputs: 33, inputs: 0, taps: 4 },
  ])("$outputs outputs, $inputs inputs, $taps taps, in parts of 16 and of all rows", ({ outputs, inputs, taps }) => {
    const row = inputs * taps;
    for (const Kind of [Float32Array, Uint16Array]) {
      const [x, expected] = [new Kind(outputs * row), new Kind(outputs * row)];
      for (let i = 0; i < x.length; i++) x[i] = i % 65521;
      for (let i = 0; i < x.length; i++) {
        const [o, at] = [i % outputs, Math.floor(i / outputs)];
        expected[i] = x[(o * inputs + (at % inputs)) * taps + Math.floor(at / inputs)];
      }
      for (const part of [16, outputs]) {
        const y = new Kind(outputs * row);
        for (let first = 0; first < outputs; first += part) {
          const rows = Math.min(part, outputs - first);
          turn(x.subarray(first * row, (first + rows) * row) as never, y as never, { rows, inputs, taps, outputs, first }); // biome-ignore format: one thought
        }
        expect(y).toEqual(expected);
      }
    }
  });
});

test("turnRows refuses what does not fit, and writes nothing", () => {
  const y = new Float32Array(6);
  for (const sizes of [{ rows: 2, inputs: 3, taps: 1, outputs: 2, first: 1 }, { rows: 2, inputs: 2, taps: 1, outputs: 2, first: 0 }, { rows: 2, inputs: 3, taps: 1, outputs: 3, first: 0 }]) // biome-ignore format: a table
    expect(() => turnRows(new Float32Array(6).fill(1), y, sizes)).toThrow("allowed: rows of x and outputs of y");
  expect(y).toEqual(new Float32Array(6));
});

test("firstNotFinite: every 16-bit word, and the first of many", () => {
  for (const [width, infinity] of [["F16", 0x7c00], ["BF16", 0x7f80]] as const) {
    for (let word = 0; word < 65536; word++) {
      const expected = (word & 0x7fff) >= infinity ? 0 : -1;
      if (firstNotFinite(width, Uint16Array.of(word)) !== expected) expect.unreachable(`${width} ${word}`);
      if (firstInJavaScript(width, Uint16Array.of(word)) !== expected) expect.unreachable(`${width} ${word} in JavaScript`);
    }
  } // biome-ignore format: long lines
  const many = new Float32Array(300_001).fill(3.4e38);
  expect([firstNotFinite("F32", many), firstInJavaScript("F32", many)]).toEqual([-1, -1]);
  many[299_999] = Number.NaN;
  expect([firstNotFinite("F32", many), firstInJavaScript("F32", many)]).toEqual([299_999, 299_999]);
  many[70_000] = -Infinity;
  expect([firstNotFinite("F32", many), firstInJavaScript("F32", many)]).toEqual([70_000, 70_000]);
});

test(`written on ${started.name}: the values lie in the tensor; where writing fails nothing is kept`, () => {
  const before = tf.memory().numBytes;
  expect(() => written([4], () => { throw new Error("no"); })).toThrow("no"); // biome-ignore format: one thought
  expect(tf.memory().numBytes).toBe(before);
  const x = written([2, 2], (values) => values.set([1, 2, 3, 4]));
  expect(Array.from(x.square().dataSync())).toEqual([1, 4, 9, 16]);
  x.dispose();
});

test(`words on ${started.name}: unpacked from where they lie, used again once they are given back, once`, () => {
  const words = takeWords(3);
  words.set([0x3f80, 0x4000, 0xbf80]);
  expect(Array.from(unpack("bf16", words, [3]).dataSync())).toEqual([1, 2, -1]);
  giveWords(words);
  const again = takeWords(3);
  if (started.name === "native") expect(again.buffer).toBe(words.buffer);
  const other = takeWords(3);
  giveWords(words);
  expect(takeWords(3).buffer).not.toBe(again.buffer);
  expect(other.buffer).not.toBe(again.buffer);
  expect(takeWords(0).length).toBe(0);
});
