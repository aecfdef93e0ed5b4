import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { engine } from "@etalon/engine";
import { bundleSource, ended, runTrace, thrown } from "@etalon/testkit";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { killableRun } from "./killableRun.ts";

const epochs = 14;
let root = "";
let whole = "";
let shim: string | undefined;
let program: URL;
beforeAll(async () => {
  await engine("wasm");
  root = mkdtempSync(join(tmpdir(), "etalon-faults-"));
  whole = join(root, "whole");
  shim = buildShim();
  program = await bundleSource(new URL("killable.ts", import.meta.url), new URL("../", import.meta.url));
  await killableRun(whole, undefined, epochs);
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
  rmSync(program, { force: true });
});

/** The shim that makes calls fail; undefined where there is no C compiler, or no /proc to find a file's path by. */
function buildShim(): string | undefined {
  const file = join(root, "eio.so");
  const { status } = spawnSync("cc", ["-shared", "-fPIC", "-o", file, join(import.meta.dirname, "eio.c"), "-ldl"]);
  return process.platform === "linux" && status === 0 ? file : undefined;
}

/** What fails (eio.c), the file that the run names, and the checkpoints that stand. */
const broken: [what: string, file: string, standing: string[]][] = [
  ["write:config.json", "config.json", []],
  ["write:metrics.jsonl:10", "metrics.jsonl", ["000006"]],
  ["write:samples/000010.png", "samples/000010.png", ["000006"]],
  ["fsync:000010.partial/optimizer.safetensors", "checkpoints/000010", ["000006", "000008"]],
  ["rename:checkpoints/000010", "checkpoints/000010", ["000006", "000008"]],
  ["fsync:checkpoints:5", "checkpoints/000010", ["000008", "000010"]],
  ["write:best.json:2", "best.json", ["000002", "000004"]],
]; // biome-ignore format: a table

describe.each(broken)("a disk that breaks (EIO), at %s", (what, file, standing) => {
  test("the run ends and says so, the checkpoints before are whole, and it resumes to the same bits", async (context) => {
    if (shim === undefined) return context.skip("needs cc and /proc");
    const out = mkdtempSync(join(root, "broken-"));
    const env = { ...process.env, LD_PRELOAD: shim, ETALON_EIO: what, EPOCHS: String(epochs) };
    const { code, stderr } = await ended(spawn(process.execPath, [fileURLToPath(program), out], { env }));
    expect(code).not.toBe(0);
    const call = what.split(":")[0];
    expect(stderr).toMatch(`file is "${join(out, file)}"; allowed: a place that can be written. EIO: i/o error, ${call}`);
    const checkpoints = existsSync(join(out, "checkpoints")) ? readdirSync(join(out, "checkpoints")) : [];
    expect(checkpoints.filter((name) => !name.startsWith(".")).sort()).toEqual(expect.arrayContaining(standing));
    expect(checkpoints.includes("000010")).toBe(standing.includes("000010"));
    await killableRun(out, undefined, epochs);
    expect(runTrace(out)).toEqual(runTrace(whole));
  });
}); // biome-ignore format: one thought

test("a file system that is read-only: one clear error, and nothing is begun", async (context) => {
  const place = join(root, "read-only");
  mkdirSync(place);
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "ro", "tmpfs", place]).status !== 0) return context.skip("needs the right to mount a tmpfs"); // biome-ignore format: one thought
  try {
    const out = join(place, "run");
    expect(await thrown(() => killableRun(out, undefined, epochs))).toMatch(
      /^IO: file is ".*run"; allowed: a place that can be written\. EROFS/,
    );
    expect(existsSync(out)).toBe(false);
  } finally {
    spawnSync("umount", [place]);
  }
});

test("a clock that jumps back and forth: no time is below 0, and the bits are the same", async () => {
  const out = join(root, "clock");
  const jumps = [0, -86_400_000, 3_600_000, -5, 10 ** 10];
  let calls = 0;
  const real = Date.now;
  const clock = vi.spyOn(Date, "now").mockImplementation(() => real() + jumps[calls++ % jumps.length]);
  try {
    await killableRun(out, undefined, epochs);
  } finally {
    clock.mockRestore();
  }
  expect(runTrace(out)).toEqual(runTrace(whole));
  const lines = readFileSync(join(out, "metrics.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line)); // biome-ignore format: short
  for (const { seconds } of lines) for (const value of Object.values(seconds)) expect(value).toBeGreaterThanOrEqual(0);
});
