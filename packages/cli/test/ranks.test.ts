import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleSource, ended, mpiMissing, mpirun, runTrace } from "@etalon/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";

const missing = mpiMissing();
if (missing) console.warn(`SKIPPED: the command line among ranks: ${missing}`);

let [root, program] = ["", new URL("file:///")];
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "etalon-cli-ranks-"));
  program = await bundleSource(new URL("etalon.ts", import.meta.url), new URL("../", import.meta.url));
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
  rmSync(program, { force: true });
});

test.skipIf(missing)("mpirun etalon train: what all ranks refuse is told once, with its exit code", async () => {
  const args = ["train", "--preset", "tiny-ddpo", "--set", "train.epoch=2", "-o", "/nowhere/run"];
  const { code, stdout, stderr } = await mpirun(2, program, args).end;
  expect(stdout, stderr).not.toContain("run");
  expect(code).toBe(2);
  const own = stderr.split("\n").filter((line) => line.startsWith("etalon"));
  expect(own).toEqual([expect.stringContaining('Did you mean "train.epochs"?')]);
  expect(stderr.match(/^(mpirun leaves a second|SIGUSR2 to mpirun)/gm)).toHaveLength(1);
});

test.skipIf(missing)(
  "mpirun etalon train: two ranks leave the folder that one process leaves, to the bit, measured gaps and grids too, and the first rank alone tells",
  async () => {
    const sets = ["train.epochs=2", "sampler.steps=3", "train.promptsPerEpoch=4", "train.groupSize=2", "train.microBatch=2", "checkpoint.every=1", "measure.every=1", "measure.samples=4", "measure.steps=2"]; // biome-ignore format: a list
    const args = (out: string) => ["train", "--preset", "tiny-ddpo", ...sets.flatMap((set) => ["--set", set]), "-o", out]; // biome-ignore format: one thought
    const [alone, shared] = [join(root, "alone"), join(root, "shared")];
    const env = { ...process.env, ETALON_NUM_THREADS: "1" };
    const one = await ended(spawn(process.execPath, [fileURLToPath(program), ...args(alone)], { env }));
    const two = await mpirun(2, program, args(shared)).end;
    expect([one.code, two.code], one.stderr + two.stderr).toEqual([0, 0]);

    expect(runTrace(shared)).toEqual(runTrace(alone));
    const filesOf = (out: string) => readdirSync(out, { recursive: true, encoding: "utf8" }).sort();
    expect(filesOf(shared)).toEqual(filesOf(alone));
    for (const file of ["samples.jsonl", "best.json", "samples/000002.png"])
      expect(readFileSync(join(shared, file))).toEqual(readFileSync(join(alone, file)));
    const gaps = readFileSync(join(shared, "gap.jsonl"), "utf8").trim().split("\n");
    expect(gaps.map((line) => JSON.parse(line).epoch)).toEqual([0, 1, 2]);

    const told = (text: string) => text.replaceAll(shared, "OUT").replaceAll(alone, "OUT");
    expect(told(two.stdout)).toBe(told(one.stdout));
    expect(two.stderr.match(/^2 ranks on 1 machine$/gm)).toHaveLength(1);
    expect(two.stderr.match(/^self-check: /gm)).toHaveLength(1);
    expect(two.stderr.match(/is predicted to take/g)).toHaveLength(1);
    expect(two.stderr.match(/^saved checkpoints\/\d+/gm)).toEqual(["saved checkpoints/000001", "saved checkpoints/000002"]); // biome-ignore format: a list
  },
);
