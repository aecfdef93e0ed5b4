import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleSource, thrown } from "@etalon/testkit";
import { afterAll, expect, test } from "vitest";
import { etalon } from "../test/inProcess.ts";
import { readConfig } from "./readConfig.ts";

const folder = mkdtempSync(join(tmpdir(), "etalon-config-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

test.each([
  ["plain.json", '{"seed": 3}'],
  ["with a mark, of Windows.json", '\uFEFF{"seed": 3}\r\n'],
  ["for an editor, ü.json", '{"$schema": "./train.schema.json", "seed": 3}'],
])("reads %s", (name, text) => {
  expect(readConfig(file(name, text))).toEqual({ seed: 3 });
});

test("what is no object is left for the config's own check", () => {
  for (const [text, value] of [
    ["[1]", [1]],
    ["null", null],
    ["7", 7],
  ] as const)
    expect(readConfig(file("other.json", text))).toEqual(value);
});

test.each([
  ["comments.json", "// a note\n{}", /^BAD_CONFIG: config is ".*comments\.json"; allowed: JSON\. Unexpected token/],
  ["comma.json", '{"seed": 3,}', /^BAD_CONFIG: .*; allowed: JSON\. Expected double-quoted property name/],
  ["empty.json", "", /^BAD_CONFIG: .*; allowed: JSON\. Unexpected end of JSON input\.$/],
])("refuses %s in the parser's words", async (name, text, message) => {
  expect(await thrown(async () => readConfig(file(name, text)))).toMatch(message);
});

test("refuses a folder: a run is not begun by one", async () => {
  const run = join(folder, "run");
  mkdirSync(run);
  expect(await thrown(async () => readConfig(run))).toBe(`NOT_FOUND: config is ${JSON.stringify(run)}; allowed: a JSON file. It is a folder; a run in it goes on by --resume -o ${run}.`); // biome-ignore format: one thought
});

test("etalon train - reads stdin, and --set lies on top", async () => {
  const program = await bundleSource(new URL("../test/etalon.ts", import.meta.url), new URL("../", import.meta.url));
  const args = [fileURLToPath(program), "train", "-", "--dry-run", "--set", "train.epochs=7"];
  const { status, stdout } = spawnSync(process.execPath, args, { input: '{"seed": 3}', encoding: "utf8" });
  rmSync(program);
  expect([status, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ seed: 3, train: expect.objectContaining({ epochs: 7 }) })]); // biome-ignore format: one thought
});

test("a schema for editors lets a config name it", async () => {
  for (const kind of ["train", "study"])
    expect(JSON.parse((await etalon("schema", kind)).stdout).properties.$schema).toEqual({ type: "string" });
});
