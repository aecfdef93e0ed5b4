import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bundleSource, ended } from "@etalon/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";

let program: URL;
beforeAll(async () => {
  program = await bundleSource(new URL("soak.mjs", import.meta.url), new URL("../", import.meta.url));
});
afterAll(() => rmSync(program, { force: true }));

const sizes = ["train.promptsPerEpoch=1", "train.groupSize=2", "train.trainedSteps=1", "sampler.steps=2", "checkpoint.samples=1", "train.parameters=lora"]; // biome-ignore format: a list

/** The soak on few epochs of two pictures, with malloc and V8 as they come: how it ended, what it says grows, and slopes in kB an epoch. V8 still compiles in so few, so that RSS may grow by some kB without a leak. */
async function soak(...args: string[]) {
  const command = ["--expose-gc", fileURLToPath(program), "--as-is", "--epochs", "20", "--warm-up", "2", ...sizes.flatMap((set) => ["--set", set])]; // biome-ignore format: one thought
  const { code, stdout, stderr } = await ended(spawn(process.execPath, [...command, ...args]));
  const lines = [...stdout.matchAll(/^(\S+) .* slope (\S+) kB an epoch, 95 % within ± (\S+) kB$/gm)];
  const slopes = Object.fromEntries(lines.map(([, name, slope, within]) => [name, { slope: Number(slope), within: Number(within) }])); // biome-ignore format: one thought
  expect(Object.keys(slopes), stdout + stderr).toEqual(["heapUsed", "code", "external", "rss"]);
  const grows = /^memory grows: (.*)$/m.exec(stderr)?.[1].split(", ") ?? [];
  expect(code, stderr).toBe(grows.length > 0 ? 1 : 0);
  expect(grows.includes("RSS")).toBe(slopes.rss.slope > slopes.rss.within);
  return { grows, slopes, counted: stdout.match(/^(numTensors|used|free) after each epoch: \d+$/gm) };
}

test("finds 2 MB that are kept an epoch, and ends with 1", async () => {
  const { grows, slopes } = await soak("--leak", "2000");
  expect(grows).toContain("RSS");
  expect([slopes.external.slope]).toBeAllclose([2000], { atol: 20 });
});

test("finds none in the trainer: tensors and the pool stay to the byte, and what JavaScript holds outside its heap does not grow", async () => {
  const { grows, slopes, counted } = await soak();
  expect(grows.filter((name) => name !== "RSS")).toEqual([]);
  expect(counted).toHaveLength(3);
  expect(Math.abs(slopes.external.slope)).toBeLessThan(10); // a two-hundredth of what the leak has
});
