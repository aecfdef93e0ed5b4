import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { loadPrompts, promptLists } from "./loadPrompts.ts";
import { TinyTokenizer } from "./tiny/TinyTokenizer.ts";

test("the lists: sixteen prompts each, none in two, every rich one the twin of a short one, and all words known", () => {
  const [train, heldOut, rich, heldOutRich] = ["tiny-train", "tiny-heldout", "tiny-rich", "tiny-heldout-rich"].map(
    loadPrompts,
  );
  expect(promptLists()).toEqual(["simple-animals", "tiny-heldout", "tiny-heldout-rich", "tiny-rich", "tiny-train"]);
  expect(new Set([...train, ...heldOut]).size).toBe(32);
  for (const [short, twins] of [
    [train, rich],
    [heldOut, heldOutRich],
  ]) {
    expect(twins).toHaveLength(16);
    for (const [i, prompt] of short.entries()) expect(twins[i].startsWith(prompt)).toBe(true);
  }
  const tokenizer = TinyTokenizer.fromFile(fileURLToPath(new URL("../assets/tiny/tokenizer.json", import.meta.url)));
  for (const prompt of [...train, ...heldOut, ...rich, ...heldOutRich]) {
    expect(tokenizer.unknown(prompt), prompt).toEqual([]);
    expect(prompt.split(" ").length).toBeLessThanOrEqual(12);
  }
});

test("a file: one prompt a line, without empty lines and comments", () => {
  const folder = mkdtempSync(join(tmpdir(), "etalon-"));
  const file = join(folder, "prompts.txt");
  try {
    writeFileSync(file, "# mine\r\n red heart \r\n\r\nsun\n");
    expect(loadPrompts(file)).toEqual(["red heart", "sun"]);
    writeFileSync(file, "# nothing\n\n");
    expect(() => loadPrompts(file)).toThrow("allowed: a file with at least one prompt.");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("simple-animals: DDPO's 45", () => {
  const animals = loadPrompts("simple-animals");
  expect(new Set(animals).size).toBe(45);
  expect(animals.slice(0, 3)).toEqual(["cat", "dog", "horse"]);
});

test("refuses what is neither a list nor a file, and names what is near", () => {
  expect(() => loadPrompts("tiny-trian")).toThrow(
    'prompts is "tiny-trian"; allowed: simple-animals, tiny-heldout, tiny-heldout-rich, tiny-rich, tiny-train, or a text file. Did you mean "tiny-train"?',
  );
  expect(() => loadPrompts(".")).toThrow("allowed: simple-animals");
});
