import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseTrainConfig } from "@etalon/trainers";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { run } from "./run.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "etalon-bad-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

type Json = { [key: string]: unknown };
/** A config with all its keys, the optional ones too. */
const full = parseTrainConfig({ algorithm: "mixgrpo", reward: { mix: [{ reward: "brightness", weight: 1 }] }, prompts: { mix: [{ prompts: "tiny-train" }] } }) as unknown as Json; // biome-ignore format: one thought

/** Every place of a config: leaves and objects, as lists of keys. */
function placesOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [path];
  const inner = Object.entries(value).flatMap(([key, below]) => placesOf(below, [...path, key]));
  return path.length === 0 ? inner : [path, ...inner];
}

/** The config with another value at a place; lists stay lists. */
function put(value: unknown, [key, ...rest]: readonly string[], wrong: unknown): unknown {
  if (key === undefined) return wrong;
  if (Array.isArray(value)) return value.map((item, i) => (String(i) === key ? put(item, rest, wrong) : item));
  return { ...(value as Json), [key]: put((value as Json)[key], rest, wrong) };
}

/** What no key takes: of the wrong kind whatever the key, or out of every range. */
const wrong = fc.constantFrom<unknown>(true, [], [[1]], { nothing: 1 }, -1, -0.5, Number.MIN_SAFE_INTEGER, "");
const mutation = fc.oneof(
  { weight: 3, arbitrary: fc.record({ place: fc.constantFrom(...placesOf(full)), value: wrong }) },
  { weight: 1, arbitrary: fc.record({ place: fc.constantFrom(...["", "sampler", "train", "train.optimiser", "checkpoint", "measure", "reward", "prompts"].map((at) => [...at.split(".").filter(Boolean), "learningRat"])), value: fc.constant(1) }) }, // biome-ignore format: one thought
);
/** Places where one of the wrong values is right. */
const isRight = (place: readonly string[], value: unknown): boolean => {
  try {
    parseTrainConfig(put(full, place, value));
    return true;
  } catch {
    return false;
  }
};

test("200 spoilt configs: exit 2, one line that has the path of the wrong key, and no run folder", async () => {
  let [said, count] = ["", 0];
  const spy = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    said += text;
    return true;
  });
  try {
    const property = fc.asyncProperty(mutation, async ({ place, value }) => {
      fc.pre(!isRight(place, value));
      const [file, out] = [join(folder, "config.json"), join(folder, `run-${count++}`)];
      writeFileSync(file, JSON.stringify(put(full, place, value)));
      said = "";
      expect(await run(["train", file, "-o", out])).toBe(2);
      const path = place.join(".");
      // The first key on the way that is wrong: the place itself, or what stands in an object that should not be there.
      const named = said.split(/ is |\. Did/)[0].replace("etalon: ", "");
      expect(named === path || named.startsWith(`${path}.`), `${path} = ${JSON.stringify(value)}: ${said}`).toBe(true);
      expect(said.trimEnd().split("\n")).toHaveLength(1);
      expect(existsSync(out)).toBe(false);
    });
    await fc.assert(property, { numRuns: 200, seed: 8 });
  } finally {
    spy.mockRestore();
  }
  expect(count).toBeGreaterThanOrEqual(200);
});
