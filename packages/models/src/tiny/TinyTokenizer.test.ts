import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { TinyTokenizer } from "./TinyTokenizer.ts";
import { words } from "./words.ts";

const tokenizer = new TinyTokenizer(["cat", "red", "heart", "t-shirt"], 3);

test("numbers known words from 2, leaves unknown ones out, pads with 0", () => {
  expect([...tokenizer.encode("Red, HEART!")]).toEqual([3, 4, 0]);
  expect([...tokenizer.encode("a very red cat")]).toEqual([3, 2, 0]);
  expect([...tokenizer.encode("cat cat cat cat")]).toEqual([2, 2, 2]);
});

test("takes a prompt without a known word for the empty prompt", () => {
  for (const text of ["", "  ", "zebra", "!?"]) expect([...tokenizer.encode(text)]).toEqual([1, 0, 0]);
});

test("tells the words it does not know", () => {
  expect(tokenizer.unknown("red zebra, t-shirt")).toEqual(["zebra"]);
});

test("splits words alike whatever stands between, above or around them", () => {
  expect(words("Piñata  man’s T-Shirt—9½")).toEqual(["pinata", "mans", "t-shirt", "91", "2"]);
});

test("gives ids within its size for any text", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const ids = [...tokenizer.encode(text)];
      expect(ids).toHaveLength(3);
      expect(ids.every((id) => id >= 0 && id < tokenizer.size)).toBe(true);
      expect(ids.some((id) => id > 0)).toBe(true);
    }),
  );
});

test("refuses a file that is no tokenizer", () => {
  const folder = mkdtempSync(join(tmpdir(), "etalon-"));
  const file = join(folder, "tokenizer.json");
  for (const text of ["{}", '{"length": 3, "vocabulary": [1]}', "nonsense"]) {
    writeFileSync(file, text);
    expect(() => TinyTokenizer.fromFile(file)).toThrow("allowed: a JSON object with length and vocabulary.");
  }
  rmSync(folder, { recursive: true });
});
