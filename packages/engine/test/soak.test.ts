import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bundleSource, ended } from "@etalon/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { installedEngines } from "../src/index.ts";

let program: URL;
beforeAll(async () => {
  program = await bundleSource(new URL("../soak/updates.mjs", import.meta.url), new URL("../", import.meta.url));
});
afterAll(() => rmSync(program, { force: true }));
const run = (...args: string[]) => ended(spawn(process.execPath, [fileURLToPath(program), "--updates", "300", "--engine", installedEngines().includes("native") ? "native" : "wasm", ...args])); // biome-ignore format: one thought

test("300 real updates of the soak: tensors and the pool's bytes stay to the byte", async () => {
  const { code, stdout, stderr } = await run();
  expect(stdout + stderr).toContain("no growth");
  expect(code).toBe(0);
});

test("the soak finds a tensor kept at every update", async () => {
  const { code, stdout } = await run("--leak");
  expect(stdout).toMatch(/GROWTH: tensors \d+ → \d+/);
  expect(code).toBe(1);
});
