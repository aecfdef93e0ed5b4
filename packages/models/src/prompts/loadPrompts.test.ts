import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TinyTokenizer } from "../tiny/TinyTokenizer.ts";
import { promptLists } from "./builtInPrompts.ts";
import { loadPromptSet } from "./loadPromptSet.ts";
import { loadPrompts } from "./loadPrompts.ts";
import { readPrompts } from "./readPrompts.ts";

test("the lists: sixteen prompts each, none in two, every rich one the twin of a short one, and all words known", () => {
  const [train, heldOut, rich, heldOutRich] = ["tiny-train", "tiny-heldout", "tiny-rich", "tiny-heldout-rich"].map(
    loadPrompts,
  );
  expect(promptLists()).toEqual(["imagenet-animals", "imagenet-animals-rich", "nouns-activities", "nouns-activities-rich", "simple-animals", "simple-animals-rich", "tiny-heldout", "tiny-heldout-rich", "tiny-rich", "tiny-train"]); // biome-ignore format: a list
  expect(new Set([...train, ...heldOut]).size).toBe(32);
  for (const [short, twins] of [
    [train, rich],
    [heldOut, heldOutRich],
  ]) {
    expect(twins).toHaveLength(16);
    for (const [i, prompt] of short.entries()) expect(twins[i].startsWith(prompt)).toBe(true);
  }
  const tokenizer = TinyTokenizer.fromFile(fileURLToPath(new URL("../../assets/tiny/tokenizer.json", import.meta.url)));
  for (const prompt of [...train, ...heldOut, ...rich, ...heldOutRich]) {
    expect(tokenizer.unknown(prompt), prompt).toEqual([]);
    expect(prompt.split(" ").length).toBeLessThanOrEqual(12);
  }
});

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "etalon-prompts-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a file of prompts, and gives its path. */
const file = (name: string, text: string | Buffer) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

test("a text file: one prompt a line, without empty lines and comments, in its order, repeats and all", () => {
  expect(loadPrompts(file("a.txt", "\uFEFF# mine\r\n red heart \r\n\r\nsun\nred heart"))).toEqual(["red heart", "sun", "red heart"]); // biome-ignore format: one thought
  expect(() => loadPrompts(file("none.txt", "# nothing\n\n"))).toThrow("allowed: a file with at least one prompt.");
});

test("JSON lines: texts or objects; heldOut; what else they have is metadata", () => {
  const text = '{"prompt": "a dog, asleep", "heldOut": true}\n\n"sun"\n{"prompt":"cat","tag":"counting","n":2}\n';
  expect(readPrompts(file("a.jsonl", text))).toEqual([
    { text: "a dog, asleep", heldOut: true, line: 1 },
    { text: "sun", line: 3 },
    { text: "cat", metadata: { tag: "counting", n: 2 }, line: 4 },
  ]);
});

test("a table: quotes, commas and line breaks in a field, any order of columns, a byte order mark", () => {
  const text = '\uFEFFtag,prompt,heldOut\r\nx,"a dog, ""asleep""",TRUE\r\ny,"two\nlines",0\r\n\r\nz,sun,\r\n';
  expect(readPrompts(file("a.csv", text))).toEqual([
    { text: 'a dog, "asleep"', heldOut: true, metadata: { tag: "x" }, line: 2 },
    { text: "two\nlines", heldOut: false, metadata: { tag: "y" }, line: 4 },
    { text: "sun", metadata: { tag: "z" }, line: 6 },
  ]);
});

test.each<[string, string | Buffer, RegExp]>([
  ["b.jsonl", '"sun"\n{"prompt": "x"', /^line 2 of b\.jsonl is .*; allowed: a JSON string, or a JSON object with prompt\. .*JSON/],
  ["b.jsonl", "3\n", /^line 1 of b\.jsonl is 3; allowed: a JSON string, or a JSON object/],
  ["b.jsonl", '{"text": "sun"}', /^line 1 of b\.jsonl: prompt is undefined; allowed: a text that is not empty\.$/],
  ["b.jsonl", '"sun"\n\n{"prompt": "x", "heldOut": "yes"}', /^line 3 of b\.jsonl: heldOut is "yes"; allowed: true or false\.$/],
  ["b.csv", "text,tag\nsun,x\n", /^line 1 of b\.csv is "text,tag"; allowed: a header line with a column prompt\.$/],
  ["b.csv", "prompt,tag\nsun,x\nmoon\n", /^line 3 of b\.csv is "moon"; allowed: a record of the header's columns\. /],
  ["b.csv", 'prompt\nsun\n"open\n', /^line \d of b\.csv is .*; allowed: a record of the header's columns\. .*[Qq]uote/],
  ["b.csv", "prompt,heldOut\nsun,maybe\n", /^line 2 of b\.csv: heldOut is "maybe"; allowed: true, false, 1, 0 or nothing\.$/],
  ["b.csv", "prompt,tag\n ,x\n", /^line 2 of b\.csv: prompt is ""; allowed: a text that is not empty\.$/],
  ["b.txt", Buffer.from([0x73, 0xff, 0x0a]), /^prompts is ".*b\.txt"; allowed: a text file in UTF-8\.$/],
])("a line that is no prompt is named: %s %#", (name, text, message) => {
  expect(() => readPrompts(file(name, text))).toThrow(message);
}); // biome-ignore format: a table

describe("lists that the package carries", () => {
  test("simple-animals: DDPO's 45; imagenet-animals: the first 398 classes; three activities of each animal", () => {
    const [simple, imagenet, acting] = ["simple-animals", "imagenet-animals", "nouns-activities"].map(loadPrompts);
    for (const [list, size] of [[simple, 45], [imagenet, 398], [acting, 135]] as const) expect(new Set(list).size).toBe(size); // biome-ignore format: one thought
    expect(simple.slice(0, 3)).toEqual(["cat", "dog", "horse"]);
    expect([imagenet[0], imagenet[1], imagenet[151], imagenet[268], imagenet[397]]).toEqual(["tench", "goldfish", "Chihuahua", "Mexican hairless", "puffer"]); // biome-ignore format: one thought
    expect(acting.slice(0, 3)).toEqual(["a cat riding a bike", "a cat playing chess", "a cat washing dishes"]);
    expect(acting).toContain("an ant playing chess");
  });

  test.each(["simple-animals", "imagenet-animals", "nouns-activities"])("%s-rich: each prompt with place, light and style", (name) => {
    const [short, rich] = [loadPrompts(name), loadPrompts(`${name}-rich`)];
    expect(rich).toHaveLength(short.length);
    for (const [i, prompt] of short.entries()) expect(rich[i]).toMatch(new RegExp(`^${prompt}, .+, .+, .+`));
    expect(new Set(rich.map((text, i) => text.slice(short[i].length))).size).toBeGreaterThan(short.length / 4);
  }); // biome-ignore format: one thought
});

describe("the split", () => {
  const animals = loadPrompts("imagenet-animals");

  test("in-domain and held-out are the whole list, about a fifth by hash, or the share that is named", () => {
    const [inside, outside] = [loadPrompts("imagenet-animals#in-domain"), loadPrompts("imagenet-animals#held-out")];
    expect([...inside, ...outside].sort()).toEqual([...animals].sort());
    expect(Math.abs(outside.length - 80)).toBeLessThan(4 * Math.sqrt(398 * 0.2 * 0.8));
    const more = loadPrompts("imagenet-animals#held-out=0.5");
    expect(more.filter((text) => outside.includes(text))).toEqual(outside); // a larger share holds out the same ones, and more
    expect(() => loadPrompts("imagenet-animals#held-out=2")).toThrow("the share held out is 2; allowed:");
    expect(() => loadPrompts(`${file("one.txt", "sun")}#held-out=0`)).toThrow("allowed: a list with held-out prompts.");
  });

  test("a prompt stays on its side when others come and go", () => {
    const before = loadPromptSet({ mix: [{ prompts: file("some.txt", animals.slice(0, 60).join("\n")) }], heldOut: 0.3 });
    const after = loadPromptSet({ mix: [{ prompts: file("more.txt", animals.slice(20).reverse().join("\n")) }], heldOut: 0.3 });
    const both = animals.slice(20, 60);
    expect(after.heldOut.filter((text) => both.includes(text)).sort()).toEqual(before.heldOut.filter((text) => both.includes(text)).sort()); // biome-ignore format: one thought
    expect(before.heldOut.length).toBeGreaterThan(5);
  }); // biome-ignore format: one thought

  test("a flag in the file decides; a name that has # in it is a file's, where there is one", () => {
    const flagged = file("flags.jsonl", '{"prompt":"a","heldOut":true}\n{"prompt":"b","heldOut":false}\n"c"\n');
    expect(loadPrompts(`${flagged}#held-out=0`)).toEqual(["a"]);
    expect(loadPrompts(`${flagged}#in-domain=1`)).toEqual(["b"]);
    expect(loadPromptSet(flagged)).toMatchObject({ parts: [{ prompts: ["b", "c"] }], heldOut: ["a"] });
    expect(loadPrompts(file("odd#held-out", "sun"))).toEqual(["sun"]);
  });
});

describe("what is trained on", () => {
  test("a repeat counts once, and is said; a mixture has weights; what one list holds out is out of all", () => {
    const [a, b] = [file("m.txt", "sun\nmoon\nsun\nstar"), file("n.jsonl", '{"prompt":"moon","heldOut":true}\n{"prompt":"tree","tag":7}\n')]; // biome-ignore format: one thought
    const set = loadPromptSet({ mix: [{ prompts: a, weight: 3 }, { prompts: b }] });
    expect(set.parts).toEqual([
      { weight: 3, prompts: ["sun", "star"] },
      { weight: 1, prompts: ["tree"] },
    ]);
    expect(set.heldOut).toEqual(["moon"]);
    expect(set.metadata.get("tree")).toEqual({ tag: 7 });
    expect(set.notes).toEqual([`${a}: 1 of 4 prompts come again and count once (line 3 repeats line 1)`]);
  });

  test("refuses a prompt that is both trained on and held out, lists with nothing left, weights and shares outside", () => {
    const both = file("both.jsonl", '{"prompt":"a"}\n{"prompt":"a","heldOut":true}\n');
    expect(() => loadPromptSet(both)).toThrow(/^heldOut in line 2 of .*both\.jsonl is true; allowed: as in line 1/);
    const out = file("out.jsonl", '{"prompt":"a","heldOut":true}\n');
    expect(() => loadPromptSet(out)).toThrow(/allowed: a list with prompts to train on\. All of its 1 are held out\.$/);
    expect(() => loadPromptSet({ mix: [{ prompts: "tiny-train", weight: 0 }] })).toThrow("prompts.mix.0.weight is 0");
    expect(() => loadPromptSet({ mix: [{ prompts: "tiny-train" }], heldOut: -1 })).toThrow("prompts.heldOut is -1");
  });
});

test("refuses what is neither a list nor a file, and names what is near", () => {
  expect(() => loadPrompts("tiny-trian")).toThrow(
    'prompts is "tiny-trian"; allowed: imagenet-animals, imagenet-animals-rich, nouns-activities, nouns-activities-rich, simple-animals, simple-animals-rich, tiny-heldout, tiny-heldout-rich, tiny-rich, tiny-train, or a .txt, .jsonl or .csv file. Did you mean "tiny-train"?',
  );
  expect(() => loadPrompts(".")).toThrow("allowed: imagenet-animals");
});
