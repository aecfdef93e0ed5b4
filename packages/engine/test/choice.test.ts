import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleSource, ended } from "@etalon/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Stub, writeStubs } from "./choice/stubs.ts";

// Which engine a new process takes of itself: the order GPU, native, tfjs-node, wasm, and what is said of those passed over. A process has one engine, so each case has a process.
const addon = fileURLToPath(new URL("../../../native/build/Release/etalon.node", import.meta.url));
const built = existsSync(addon); // looked for here, not by the code under test
if (!built) console.warn("SKIPPED: that auto takes native: no addon is built here");

let folder = "";
const programs = new Map<string, URL>();
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "etalon-choice-"));
  for (const name of ["choose", "toy"])
    programs.set(name, await bundleSource(new URL(`choice/${name}.ts`, import.meta.url), new URL("../", import.meta.url))); // biome-ignore format: one thought
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  for (const program of programs.values()) rmSync(program, { force: true });
});

interface Setting {
  /** Stand-ins in the folder that ETALON_TFJS_NODE names; none: the variable is not set. */
  stubs?: Partial<Record<"tfjs-node" | "tfjs-node-gpu", Stub>>;
  env?: Record<string, string>;
  args?: string[];
  program?: string;
}

/** What the program prints in an empty working folder, with none of this process's settings. */
async function chosen({ stubs, env = {}, args = [], program = "choose" }: Setting) {
  const { ETALON_ENGINE: _, ETALON_BINARY: __, ETALON_TFJS_NODE: ___, ...rest } = process.env;
  const cwd = mkdtempSync(join(folder, "user-"));
  const found: Record<string, string> = stubs ? { ETALON_TFJS_NODE: writeStubs(mkdtempSync(join(folder, "stubs-")), stubs) } : {}; // biome-ignore format: one thought
  const command = [fileURLToPath(programs.get(program) as URL), ...args];
  const child = spawn(process.execPath, command, { cwd, env: { ...rest, ...found, ...env }, stdio: ["ignore", "pipe", "pipe"] }); // biome-ignore format: one thought
  const { code, stdout, stderr } = await ended(child);
  expect(code, stderr).toBe(0);
  const answer = JSON.parse(stdout);
  expect(answer).toMatchObject({ y: [7, 10], sum: 17, w: [0.9, -0.1, -0.1, 1.9] });
  return answer;
}

const portable = { ETALON_BINARY: "portable" };
const noAddon = "native: the native addon is not built here, and no prebuilt one fits";
const notThere = (name: string) => `${name}: @tensorflow/${name} is not installed`;

describe.skipIf(!built)("with the addon built", () => {
  test("auto is native, and says what was passed over", async () => {
    expect(await chosen({})).toMatchObject({
      name: "native",
      backend: "etalon",
      device: "cpu",
      fused: true,
      slow: false,
      why: `the first that works; ${notThere("tfjs-node-gpu")}`,
    });
  });

  test("native comes before tfjs-node, and before a tfjs-node-gpu without a GPU", async () => {
    const cpu = await chosen({ stubs: { "tfjs-node": {} } });
    expect([cpu.name, cpu.why]).toEqual(["native", `the first that works; ${notThere("tfjs-node-gpu")}`]);
    const both = await chosen({ stubs: { "tfjs-node": {}, "tfjs-node-gpu": {} } });
    expect([both.name, both.why]).toEqual(["native", "the first that works; tfjs-node-gpu: it finds no GPU that works"]); // biome-ignore format: one thought
  });

  test("a GPU that works comes before native", async () => {
    expect(await chosen({ stubs: { "tfjs-node": {}, "tfjs-node-gpu": { gpu: true } } })).toMatchObject({
      name: "tfjs-node-gpu",
      backend: "tensorflow",
      device: "gpu",
      lacks: [],
      why: "the first that works",
    });
  });

  test("the addon that ETALON_BINARY names serves, too", async () => {
    expect(await chosen({ env: { ETALON_BINARY: addon } })).toMatchObject({ name: "native", backend: "etalon" });
  });

  test("ETALON_ENGINE decides over the order", async () => {
    const { name, why } = await chosen({ env: { ETALON_ENGINE: "wasm" } });
    expect([name, why]).toEqual(["wasm", "ETALON_ENGINE names it"]);
  });
});

test("without the addon auto is wasm, and says why", async () => {
  expect(await chosen({ env: portable })).toMatchObject({
    name: "wasm",
    backend: "wasm",
    fused: false,
    slow: true,
    faster: "native",
    why: ["the first that works", notThere("tfjs-node-gpu"), noAddon, notThere("tfjs-node")].join("; "),
  });
});

test("without the addon tfjs-node comes before wasm; one that does not load is passed over with what it said", async () => {
  const there = await chosen({ env: portable, stubs: { "tfjs-node": {} } });
  expect([there.name, there.why]).toEqual(["tfjs-node", `the first that works; ${notThere("tfjs-node-gpu")}; ${noAddon}`]);
  const broken = await chosen({ env: portable, stubs: { "tfjs-node": { throws: "libtensorflow.so.2: no such file\nand more" } } });
  const said = "tfjs-node: @tensorflow/tfjs-node does not load: libtensorflow.so.2: no such file";
  expect([broken.name, broken.why.split("; ").at(-1)]).toEqual(["wasm", said]);
}); // biome-ignore format: long lines

test("where node:util lacks what tfjs-node calls, it is given back before tfjs-node is loaded", async () => {
  const stubs = { "tfjs-node": { legacy: true } };
  const { name } = await chosen({ env: portable, stubs, args: ["isNullOrUndefined", "isArray"] });
  expect(name).toBe("tfjs-node");
});

test("an engine of one's own is a name and an entry: auto takes it at its place, and the rest of this package runs on it", async () => {
  const { name, why, backend, lacks } = await chosen({ program: "toy" });
  expect({ name, why, backend, lacks }).toEqual({ name: "toy", why: "the first that works", backend: "cpu", lacks: ["speed"] }); // biome-ignore format: one thought
  const byName = await chosen({ program: "toy", env: { ETALON_ENGINE: "toy" } });
  expect([byName.name, byName.why]).toEqual(["toy", "ETALON_ENGINE names it"]);
});
