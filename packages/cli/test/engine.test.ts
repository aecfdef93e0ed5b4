import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleSource, ended } from "@etalon/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

// What the command line says of the engine, in processes of their own: this one's settings and its one engine stay out.
const built = existsSync(new URL("../../../native/build/Release/etalon.node", import.meta.url)); // looked for here, not by the code under test
if (!built) console.warn("SKIPPED: that commands run on native: no addon is built here");

let folder = "";
let program: URL;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "etalon-engine-"));
  program = await bundleSource(new URL("etalon.ts", import.meta.url), new URL("../", import.meta.url));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(program, { force: true });
});

/** `etalon …` in an empty folder. @param until  it is ended when it has printed this */
async function etalon(args: readonly string[], env: Record<string, string> = {}, until?: RegExp) {
  const { ETALON_ENGINE: _, ETALON_BINARY: __, ETALON_TFJS_NODE: ___, ...rest } = process.env;
  const child = spawn(process.execPath, [fileURLToPath(program), ...args], { cwd: folder, env: { ...rest, ...env }, stdio: ["ignore", "pipe", "pipe"] }); // biome-ignore format: one thought
  return ended(child, (text) => until?.test(text) && child.kill("SIGKILL"));
}

const portable = { ETALON_BINARY: "portable" };
const sample = ["sample", "--prompt", "sun", "--steps", "1", "-o", "sun.png"];
const quick = ["study", "--preset", "quick", "-o", "quick"];
const passedOver = "tfjs-node-gpu: @tensorflow/tfjs-node-gpu is not installed";

interface Finding {
  what: string;
  ok: boolean;
  found: string;
  more?: string[];
  advice?: string;
}
const doctor = async (env?: Record<string, string>): Promise<Record<string, Finding>> => {
  const { code, stdout, stderr } = await etalon(["doctor", "--json"], env);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  return Object.fromEntries(findings.map((finding) => [finding.what, finding]));
};

describe.skipIf(!built)("with the addon built", () => {
  test("a command runs on native, and its first line says so and why", async () => {
    const { code, stderr } = await etalon(sample);
    expect(stderr.split("\n")[0]).toBe(`engine native, 1 thread (the first that works; ${passedOver})`); // ETALON_NUM_THREADS is 1 in tests
    expect(code).toBe(0);
  });

  test("doctor: the native engine, why, what was passed over, no advice; models load on it", async () => {
    const { native, engine, tiny, "tiny-clip": scorer } = await doctor();
    expect(native).toMatchObject({ ok: true, found: expect.not.stringContaining("portable,") });
    expect(engine).toMatchObject({ ok: true, found: expect.stringMatching(/^native \d+\.\d+\.\d+ \(\w+\), on the processor, 1 thread$/) }); // biome-ignore format: one thought
    expect(engine.more?.slice(0, 2)).toEqual(["why: the first that works; passed over:", `     ${passedOver}`]);
    expect(engine.advice).toBeUndefined();
    expect([tiny, scorer].map(({ ok, found }) => [ok, found])).toEqual([[true, "its weights load"], [true, "its weights load"]]); // biome-ignore format: one thought
  });

  test("doctor in words: the engine's line, and below it the why", async () => {
    const { code, stdout } = await etalon(["doctor"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ok {2}machine +\S+ \S+, \d+ processors, /m);
    expect(stdout).toMatch(/^ok {2}engine +native .*\n +why: the first that works; passed over:\n +tfjs-node-gpu: /m);
  });

  test("doctor on an engine that was asked for: the faster one is named", async () => {
    const { engine } = await doctor({ ETALON_ENGINE: "wasm" });
    expect(engine).toMatchObject({ found: expect.stringMatching(/^wasm /), advice: "native runs here too and is several times faster: without ETALON_ENGINE it is taken." }); // biome-ignore format: one thought
  });

  test("the quick study is the full one", async () => {
    const { stderr } = await etalon(quick, {}, /the study goes to/);
    expect(stderr.split("\n").slice(0, 2)).toEqual([expect.stringMatching(/^engine native, /), "the study goes to quick"]); // biome-ignore format: one thought
  });
});

test("without the addon a command runs on wasm and says why; the quick study is the smaller one", async () => {
  const why = `the first that works; ${passedOver}; native: the native addon is not built here, and no prebuilt one fits; tfjs-node: @tensorflow/tfjs-node is not installed`;
  const { code, stderr } = await etalon(sample, portable);
  expect([code, stderr.split("\n")[0]]).toEqual([0, `engine wasm, 1 thread (${why})`]);
  const study = await etalon(quick, portable, /the study goes to/);
  expect(study.stderr).toContain("wasm is slow: the smaller study quick-wasm; the study goes to quick\n");
});

test("doctor without the addon: the portable form, wasm, and what to do", async () => {
  const { native, engine, tiny } = await doctor(portable);
  expect(native).toMatchObject({ ok: false, found: expect.stringMatching(/^portable, /), advice: "ETALON_BINARY=portable leaves the native library out." }); // biome-ignore format: one thought
  expect(engine).toMatchObject({ ok: true, found: expect.stringMatching(/^wasm .*, on the processor, 1 thread$/), advice: "native is several times faster: it needs the addon (see the line `native`)." }); // biome-ignore format: one thought
  expect(tiny.ok).toBe(true);
});

test("doctor on an engine that does not run here says so, and loads nothing", async () => {
  const findings = await doctor({ ETALON_ENGINE: "tfjs-node-gpu" });
  expect(findings.engine).toMatchObject({ ok: false, found: expect.stringContaining("@tensorflow/tfjs-node-gpu is not installed") }); // biome-ignore format: one thought
  expect(findings.tiny).toBeUndefined();
  expect(findings.rewards.ok).toBe(true);
});
