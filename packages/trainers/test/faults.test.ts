import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engine } from "@etalon/engine";
import { ended, runTrace, spawnSource, thrown } from "@etalon/testkit";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { killableRun } from "./killableRun.ts";

let root = "";
let whole = "";
let shim: string | undefined;
beforeAll(async () => {
  await engine("wasm");
  root = mkdtempSync(join(tmpdir(), "etalon-faults-"));
  whole = join(root, "whole");
  shim = buildShim();
  await killableRun(whole, () => undefined);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** The shim that makes fsync fail; undefined where there is no C compiler, or no /proc to find a file's path by. */
function buildShim(): string | undefined {
  const file = join(root, "eio.so");
  const { status } = spawnSync("cc", ["-shared", "-fPIC", "-o", file, join(import.meta.dirname, "eio.c"), "-ldl"]);
  return process.platform === "linux" && status === 0 ? file : undefined;
}

describe.each(["000010.partial/optimizer.safetensors"])("a disk that fails to keep what it took (EIO), at %s", (where) => {
  test("the run ends and says so, the older checkpoints are whole, and it resumes to the same bits", async (context) => {
    if (shim === undefined) return context.skip("needs cc and /proc");
    const out = join(root, `eio-${where.length}`);
    Object.assign(process.env, { LD_PRELOAD: shim, ETALON_EIO: where });
    const child = spawnSource(join(import.meta.dirname, "killable.ts"), [out]);
    delete process.env.LD_PRELOAD;
    delete process.env.ETALON_EIO;
    const { code, stderr } = await ended(child);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/file is ".*000010"; allowed: a place that can be written\. EIO: i\/o error, fsync/);
    expect(readdirSync(join(out, "checkpoints"))).toEqual(expect.arrayContaining(["000006", "000008"]));
    expect(existsSync(join(out, "checkpoints", "000010"))).toBe(false);
    await killableRun(out, () => undefined);
    expect(runTrace(out)).toEqual(runTrace(whole));
  });
}); // biome-ignore format: one thought

test("a file system that is read-only: one clear error, and nothing is begun", async (context) => {
  const place = join(root, "read-only");
  mkdirSync(place);
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "ro", "tmpfs", place]).status !== 0) return context.skip("needs the right to mount a tmpfs"); // biome-ignore format: one thought
  try {
    const out = join(place, "run");
    expect(await thrown(() => killableRun(out, () => undefined))).toMatch(
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
    await killableRun(out, () => undefined);
  } finally {
    clock.mockRestore();
  }
  expect(runTrace(out)).toEqual(runTrace(whole));
  const lines = readFileSync(join(out, "metrics.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line)); // biome-ignore format: short
  for (const { seconds } of lines) for (const value of Object.values(seconds)) expect(value).toBeGreaterThanOrEqual(0);
});
