import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { etalon } from "../test/inProcess.ts";

// Minutes, worker processes and a download: each has tests where it lies.
vi.mock("@etalon/models/pretrain", () => ({
  async *pretrain() {
    yield { step: 1, steps: 1, loss: 0.5 };
  },
}));
vi.mock("@etalon/gap", async (original) => ({
  ...(await original<typeof import("@etalon/gap")>()),
  runStudy: async () => ({ config: {}, runs: [], claims: [] }),
}));

let folder = "";
const here = (name: string) => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "etalon-json-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const sets = ["train.epochs=1", "sampler.steps=2", "train.promptsPerEpoch=2", "train.groupSize=2", "train.trainedSteps=1", "checkpoint.samples=2", "measure.samples=2", "measure.steps=2"]; // biome-ignore format: a list
const reward = ["--reward", "brightness"];

/** Of each command: what follows its name, and the keys of its document. In order: later ones read what earlier ones wrote. */
const commands: Record<string, { args: () => string[]; keys: string[]; code?: number }> = {
  sample: { args: () => ["--prompt", "sun", "--steps", "1", "-o", here("sun.png")], keys: ["files", "seed"] },
  train: { args: () => ["--preset", "tiny-ddpo", ...sets.flatMap((set) => ["--set", set]), "-o", here("run")], keys: ["run", "metrics", "gaps"] }, // biome-ignore format: one thought
  gap: { args: () => [...reward, "--steps", "1", "-n", "2"], keys: ["sde", "ode", "gap"] },
  study: { args: () => ["--preset", "quick", "-o", here("study")], keys: ["runs", "claims"] },
  report: { args: () => [here("run")], keys: ["report"] },
  serve: { args: () => [folder], keys: ["url", "metrics"], code: 130 },
  theory: { args: () => [], keys: ["sde", "ode", "gap"] },
  score: { args: () => [...reward, here("sun.png")], keys: ["reward", "scores"] },
  rewards: { args: () => ["list"], keys: ["0"] },
  pretrain: { args: () => ["-o", here("tiny")], keys: ["model", "steps", "loss"] },
  schema: { args: () => [], keys: ["properties"] },
  doctor: { args: () => [], keys: ["findings"] },
};

/** Ends a server by Ctrl-C as soon as it listens for one. */
async function interrupt(): Promise<void> {
  const before = process.listenerCount("SIGINT");
  await vi.waitUntil(() => process.listenerCount("SIGINT") > before, { timeout: 30_000 });
  process.emit("SIGINT");
}

test.each(Object.entries(commands))("%s --json: one document on stdout, and nothing else", async (name, { args, keys, code = 0 }) => {
  const [ended] = await Promise.all([etalon(name, ...args(), "--json"), name === "serve" && interrupt()]);
  expect(ended.code, ended.stderr).toBe(code);
  for (const key of keys) expect(JSON.parse(ended.stdout)).toHaveProperty([key]);
}); // biome-ignore format: one thought

test("train --json of a run that has nothing left to train: its last metrics", async () => {
  const { code, stdout } = await etalon("train", "--resume", "-o", here("run"), "--json");
  expect([code, JSON.parse(stdout).metrics]).toEqual([0, expect.objectContaining({ epoch: 1, step: 1 })]);
});

test("what a reward logs goes to stderr, and the console is as it was afterwards", async () => {
  const { log } = console;
  writeFileSync(
    here("talks.mjs"),
    'export default ({ count }) => (console.log("of %d", count), Array(count).fill(2));',
  );
  const { code, stdout, stderr } = await etalon("score", "--reward", here("talks.mjs"), here("sun.png"), "--json");
  expect([code, JSON.parse(stdout)]).toMatchObject([0, { reward: "talks", scores: [{ score: 2 }] }]);
  expect(stderr).toContain("of 1\n");
  expect(console.log).toBe(log);
});

test("no command is left out", async () => {
  const { stdout } = await etalon("--help");
  const listed = [...stdout.slice(stdout.indexOf("Commands:")).matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name);
  expect(listed.filter((name) => name !== "help").sort()).toEqual(Object.keys(commands).sort());
});
