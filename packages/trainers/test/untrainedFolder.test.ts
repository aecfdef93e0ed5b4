import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engine } from "@etalon/engine";
import { EtalonError } from "@etalon/errors";
import { defineReward } from "@etalon/rewards";
import { runTrace, thrown } from "@etalon/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { config, train } from "./shortRun.ts";

let root = "";
beforeAll(async () => {
  await engine("wasm");
  root = mkdtempSync(join(tmpdir(), "etalon-untrained-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Every file of a folder and of those in it, as text. */
function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true }).map(String).filter((name) => statSync(join(folder, name)).isFile()).sort(); // biome-ignore format: one thought
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), "latin1")]));
}

/** Runs `killable.ts` in a process of its own, and kills it some milliseconds after its third line. */
test("a folder whose run ended before its first update is begun anew, by another config too, resumed or not; a second start that fails leaves it as it was", async () => {
  const [out, whole] = [join(root, "untrained"), join(root, "untrained, whole")];
  let calls = 0;
  const failing = defineReward("failing", ({ count }) => {
    if (calls++ === 0) return new Float32Array(count).fill(1); // the first sample grid
    throw new EtalonError("UNSUPPORTED", { argument: "size of a tensor" });
  });
  const fail = (sets: string[] = []) => {
    calls = 0;
    return thrown(() => train({ out, reward: failing, config: config(["log.tensorboard=true", ...sets]) }));
  };
  expect(await fail()).toMatch(/^UNSUPPORTED/);
  const left = contents(out);
  expect(Object.keys(left)).toEqual(expect.arrayContaining(["config.json", "samples/000000.png", "self-check.json"]));
  expect(
    await thrown(() =>
      train({ out, reward: defineReward("none", () => new Float32Array(0)), config: config(["seed=4"]) }),
    ),
  ).toMatch(/^BAD_REWARD/);
  expect(contents(out)).toEqual(left);
  const smaller = config(["train.microBatch=2"]);
  await train({ out: whole, config: smaller });
  await train({ out, config: smaller });
  expect(runTrace(out)).toEqual(runTrace(whole));
  expect(existsSync(join(out, "tensorboard"))).toBe(false); // the failed one's
  rmSync(out, { recursive: true });
  await fail(["seed=3"]);
  await train({ out, resume: true, config: smaller });
  expect(runTrace(out)).toEqual(runTrace(whole));
});

test("a folder with a config.json of somebody's own, or anything else beside a run that never trained, is refused", async () => {
  const out = join(root, "own");
  mkdirSync(out);
  writeFileSync(join(out, "config.json"), "{}");
  expect(await thrown(() => train({ out }))).toMatch(/^EXISTS/);
  writeFileSync(join(out, "self-check.json"), "{}");
  writeFileSync(join(out, "notes.txt"), "mine");
  expect(await thrown(() => train({ out }))).toMatch(/^EXISTS/);
  expect(contents(out)).toEqual({ "config.json": "{}", "notes.txt": "mine", "self-check.json": "{}" });
});
