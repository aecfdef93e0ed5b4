import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EtalonError } from "@etalon/errors";
import { openRun, parseTrainConfig } from "@etalon/trainers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { etalon } from "../test/inProcess.ts";
import { exitCode } from "./exitCode.ts";
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
/** Whether the schema takes a config: some of the wrong values are right somewhere. */
const isRight = (json: unknown): boolean => {
  try {
    parseTrainConfig(json);
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
      fc.pre(!isRight(put(full, place, value)));
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

/** A run of few and small epochs. */
const few = { algorithm: "mixgrpo", sampler: { steps: 5, window: { size: 2 } }, train: { epochs: 2, promptsPerEpoch: 1, groupSize: 2 }, checkpoint: { samples: 1 }, measure: { steps: 2, samples: 2 } }; // biome-ignore format: one thought

describe("what the schema takes and the model, its path or a file does not: exit 2, the path of the key, nothing made, nothing touched", () => {
  const cases: [sets: string[], said: string][] = [
    [["sampler.start=5"], "sampler.start is 5; allowed: a finite number > 0 and ≤ 1."],
    [["train.parameters=nothing"], 'train.parameters is "nothing"; allowed: lora, all, or a pattern'],
    [["sampler.rule=ddim", "sampler.eta=2"], 'sampler.rule is "ddim"; allowed: a variance-preserving path'],
    [["sampler.eta=1e-300"], "sampler.eta is 1e-300; allowed: a noise level at which a step's noise is more than rounding"],
    [['sampler.eta={"along":"training","from":1,"to":1e-300}'], 'sampler.eta is {"along":"training","from":1,"to":1e-300'],
    [["sampler.steps=2", "sampler.window=null", "sampler.start=1", "sampler.rule=gddim"], "sampler.steps is 2; allowed: 3 or more"],
    [["sampler.window.start=3"], "sampler.window.start is 3; allowed: start + size at most sampler.steps − 1, 4."],
    [["train.lora.rank=100000"], "train.lora.rank is 100000; allowed: a number ≤ 4096."],
    [["model=nowhere"], 'model is "nowhere"; allowed: tiny'],
    [['reward={"mix":[{"reward":"brightness","weight":1},{"reward":"brightnes","weight":1}]}'], 'reward.mix.1.reward is "brightnes"; allowed: '],
    [['prompts={"mix":[{"prompts":"tiny-train"},{"prompts":"tiny-trian"}]}'], 'prompts.mix.1.prompts is "tiny-trian"; allowed: '],
    [['prompts={"mix":[{"prompts":"tiny-train#held-out=0"}]}'], 'prompts.mix.0.prompts is "tiny-train#held-out=0"; allowed: '],
  ]; // biome-ignore format: a table
  test.each(cases)("%j", async (sets, said) => {
    const file = join(folder, "few.json");
    writeFileSync(file, JSON.stringify(few));
    const empty = join(folder, "empty");
    mkdirSync(empty, { recursive: true });
    const flags = sets.flatMap((set) => ["--set", set]);
    for (const out of [join(folder, "above/new"), empty]) {
      const { code, stderr } = await etalon("train", file, ...flags, "-o", out, "--json");
      const lines = stderr.split("\n").filter((line) => line !== "" && !line.startsWith("[")); // without progress
      expect(lines[0].slice(0, `etalon: ${said}`.length)).toBe(`etalon: ${said}`);
      expect([code, lines.length]).toEqual([2, 1]);
    }
    expect([existsSync(join(folder, "above")), readdirSync(empty)]).toEqual([false, []]);
  });

  test("a reward that fails at the first grid: nothing is left, and the mended one begins in its place", async () => {
    const [reward, out] = [join(folder, "reward.mjs"), join(folder, "mended")];
    const write = (body: string, name: string) => writeFileSync(join(folder, name), `export default { name: "mine", score: ({ count }) => { ${body} } };`); // biome-ignore format: one thought
    write("throw new Error('no such host ' + count)", "reward.mjs");
    const config = (place: string) => parseTrainConfig({ ...few, reward: place });
    await expect(openRun({ config: config(reward), out })).rejects.toMatchObject({ code: "BAD_REWARD" });
    expect(existsSync(out)).toBe(false);
    write("return new Float32Array(count)", "mended.mjs");
    const run = await openRun({ config: config(join(folder, "mended.mjs")), out });
    await run.close();
    expect(existsSync(join(out, "config.json"))).toBe(true);
  });

  test("a run that was there is as it was, to the byte, when going on with it is refused", async () => {
    const out = join(folder, "begun");
    const prompts = join(folder, "begun.txt");
    writeFileSync(prompts, "red heart\n");
    const config = parseTrainConfig({ ...few, prompts });
    const run = await openRun({ config, out });
    await run.save();
    await run.close();
    writeFileSync(prompts, "blue heart\n");
    const before = bytesOf(out);
    expect([...before.keys()]).toEqual(
      expect.arrayContaining(["config.json", "self-check.json", "samples/000000.png"]),
    );
    const changed = { ...config, train: { ...config.train, epochs: 5 }, log: { tensorboard: true } };
    await expect(openRun({ config: changed, out, resume: true })).rejects.toMatchObject({ code: "BAD_CONFIG", detail: { argument: "prompts" } }); // biome-ignore format: one thought
    expect(bytesOf(out)).toEqual(before);
  });
});

/** What a folder's files hold, by their paths. */
const bytesOf = (at: string): Map<string, string> => {
  const files = readdirSync(at, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map(({ parentPath, name }) => {
      const file = join(parentPath, name);
      return [file.slice(at.length + 1), readFileSync(file, "base64")];
    }),
  );
};

test("100 configs of strange values that the schema takes: the run opens, or leaves no folder; bad input is told by a key of its part", async () => {
  const small = parseTrainConfig(few) as unknown as Json;
  /** Only more of the same, at any size; or what is as right as any other name. */
  const plain = ["sampler.steps", "checkpoint.samples", "measure.samples"];
  const places = placesOf(small).filter((place) => !plain.includes(place.join(".")));
  const strange = fc.constantFrom<unknown>(5, 1e-300, 1e300, "nothing", null);
  const accepted = fc
    .record({ place: fc.constantFrom(...places, ["sampler", "start"]), value: strange })
    .map((mutation) => ({ ...mutation, json: put(small, mutation.place, mutation.value) }))
    .filter(({ json }) => isRight(json));
  let [count, opened, refused] = [0, 0, 0];
  const property = fc.asyncProperty(accepted, async ({ place, value, json }) => {
    const out = join(folder, `strange-${count++}`);
    const what = `${place.join(".")} = ${value}`;
    try {
      await (await openRun({ config: parseTrainConfig(json), out })).close();
      opened++;
      expect(existsSync(join(out, "config.json")), what).toBe(true);
    } catch (error) {
      if (!EtalonError.is(error)) throw error;
      refused++;
      expect(existsSync(out), what).toBe(false);
      if (exitCode(error) === 2) expect(error.message.startsWith(place[0]), `${what}: ${error}`).toBe(true); // a start at 1e-300 leaves no noise: the level is told
    }
    rmSync(out, { recursive: true, force: true });
  });
  await fc.assert(property, { numRuns: 100, seed: 8 });
  expect([opened > 20, refused > 5]).toEqual([true, true]);
}, 120_000);
