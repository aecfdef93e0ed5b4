import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { byteSigns } from "./byteSigns.ts";
import { openTokenizer } from "./openTokenizer.ts";

// A vocabulary of 512 bytes (within a word, at its end), five merges, two special tokens: ids can be told by hand.
const merges = ["l o", "lo w</w>", "o w</w>", "e r</w>", "lo w"];
const tokens = [
  ...byteSigns,
  ...byteSigns.map((sign) => `${sign}</w>`),
  ...merges.map((pair) => pair.replace(" ", "")),
  "<|startoftext|>",
  "<|endoftext|>",
];
const id = (token: string) => tokens.indexOf(token);
const [begin, end] = [id("<|startoftext|>"), id("<|endoftext|>")];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "etalon-"));
});
afterEach(() => rmSync(folder, { recursive: true }));
const vocab = Object.fromEntries(tokens.map((token, i) => [token, i]));
function plain(settings?: object): void {
  writeFileSync(join(folder, "vocab.json"), JSON.stringify(vocab));
  writeFileSync(join(folder, "merges.txt"), `#version: 0.2\n${merges.join("\n")}\n`);
  if (settings) writeFileSync(join(folder, "tokenizer_config.json"), JSON.stringify(settings));
}
const bare = (ids: Int32Array) => Array.from(ids.subarray(1, ids.indexOf(end)));

describe("openTokenizer", () => {
  test("joins pairs in the order of the merges, a word's last piece its own", () => {
    plain();
    const { encode } = openTokenizer(folder);
    expect(bare(encode("low"))).toEqual([id("low</w>")]);
    expect(bare(encode("lower"))).toEqual([id("low"), id("er</w>")]);
    expect(bare(encode("ow ow"))).toEqual([id("ow</w>"), id("ow</w>")]);
    expect(bare(encode("ol"))).toEqual([id("o"), id("l</w>")]);
  });

  test("lower case, white space as one blank, contractions, single digits, signs in runs, bytes of what is not ASCII", () => {
    plain();
    const { encode } = openTokenizer(folder);
    expect(encode("  LOW\t\nlow ")).toEqual(encode("low low"));
    expect(bare(encode("it's"))).toEqual(["i", "t</w>", "'", "s</w>"].map(id));
    expect(bare(encode("42"))).toEqual(["4</w>", "2</w>"].map(id));
    expect(bare(encode("a!?b"))).toEqual(["a</w>", "!", "?</w>", "b</w>"].map(id));
    expect(bare(encode("é"))).toEqual([id("Ã"), id("©</w>")]);
    expect(encode("e\u0301")).toEqual(encode("é"));
  });

  test("begins, ends and pads to 77 with the end, or as tokenizer_config.json says", () => {
    plain();
    const ids = openTokenizer(folder).encode("");
    expect(ids).toHaveLength(77);
    expect([ids[0], ids[1], ids[2], ids[76]]).toEqual([begin, end, end, end]);
    plain({ model_max_length: 8, pad_token: { content: "!" } });
    expect(Array.from(openTokenizer(folder).encode("low"))).toEqual([begin, id("low</w>"), end, ...Array(5).fill(id("!"))]); // biome-ignore format: one thought
  });

  test("cuts a long prompt, keeps its end, and says so once", () => {
    plain({ model_max_length: 5 });
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const { encode } = openTokenizer(folder);
    const low = id("low</w>");
    expect(Array.from(encode("low low low low"))).toEqual([begin, low, low, low, end]);
    encode("low low low low low");
    expect(warned.mock.calls).toEqual([["A prompt of 4 tokens is cut to the first 3; so are others as long."]]);
    warned.mockRestore();
  });

  test("reads tokenizer.json alike, with merges as texts or as pairs", () => {
    plain();
    const expected = openTokenizer(folder).encode("lower low");
    const other = join(folder, "other");
    mkdirSync(other);
    for (const form of [merges, merges.map((pair) => pair.split(" "))]) {
      const json = { model: { vocab: Object.fromEntries(tokens.slice(0, -2).map((token, i) => [token, i])), merges: form }, added_tokens: [{ content: tokens.at(-2), id: begin }, { content: tokens.at(-1), id: end }] }; // biome-ignore format: one thought
      writeFileSync(join(other, "tokenizer.json"), JSON.stringify(json));
      expect(openTokenizer(other).encode("lower low")).toEqual(expected);
    }
  });

  test("gives transformers' ids with CLIP's own vocabulary, special tokens inside a text too", () => {
    const golden = (name: string) => readFileSync(new URL(`../../test/golden/clip_bpe/${name}`, import.meta.url));
    const text = gunzipSync(golden("merges.txt.gz")).toString();
    const pairs = text.split("\n").slice(1, -1);
    const signs = [...byteSigns].sort((a, b) => (a.codePointAt(0) as number) - (b.codePointAt(0) as number));
    const words = [...signs, ...signs.map((sign) => `${sign}</w>`), ...pairs.map((pair) => pair.replace(" ", ""))];
    const all = [...words, "<|startoftext|>", "<|endoftext|>"];
    expect(all).toHaveLength(49408);
    writeFileSync(join(folder, "vocab.json"), JSON.stringify(Object.fromEntries(all.map((token, i) => [token, i]))));
    writeFileSync(join(folder, "merges.txt"), text);
    const { encode } = openTokenizer(folder);
    const { cases, differ } = JSON.parse(golden("tokens_clip.json").toString()) as {
      cases: { text: string; ids: number[] }[];
      differ: { text: string; transformers: number[] }[];
    };
    for (const { text: prompt, ids } of [
      ...cases,
      ...differ.map((one) => ({ text: one.text, ids: one.transformers })),
    ]) {
      expect(Array.from(encode(prompt)), prompt).toEqual([...ids, ...Array(77 - ids.length).fill(49407)]);
    }
  });

  test("refuses a folder without a vocabulary, or with one that does not fit", () => {
    expect(() => openTokenizer(folder)).toThrow("allowed: a folder with tokenizer.json, or vocab.json and merges.txt.");
    writeFileSync(join(folder, "tokenizer.json"), '{"model": {"vocab": {"a": 0.5}, "merges": []}}');
    expect(() => openTokenizer(folder)).toThrow('is ["a",0.5]; allowed: tokens with whole numbers.');
    writeFileSync(join(folder, "tokenizer.json"), '{"model": {"vocab": {"a": 0}, "merges": ["a"]}}');
    expect(() => openTokenizer(folder)).toThrow('is "a"; allowed: merges of two pieces each.');
    writeFileSync(join(folder, "tokenizer.json"), '{"model": {"vocab": {"a": 0}, "merges": []}}');
    expect(() => openTokenizer(folder)).toThrow('"<|startoftext|>"; allowed: a vocabulary with it.');
  });
});
