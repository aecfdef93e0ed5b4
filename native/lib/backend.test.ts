import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { describe, expect, test, vi } from "vitest";
import { thrown } from "../test/support/thrown.ts";
import { attempts, backend, setThreads } from "./index.ts";

const addon = fileURLToPath(new URL("../build/Release/etalon.node", import.meta.url));
const built = existsSync(addon) && process.env.ETALON_BINARY !== "portable";

test("says what computes, among what could", () => {
  const { name, threads, available } = backend();
  expect(available).toContain(name);
  expect(threads).toBeGreaterThanOrEqual(1);
  expect(name === "portable").toBe(!built && !process.env.ETALON_BINARY?.endsWith(".node"));
});

test("says where it looked, the last place being where it found", () => {
  expect(attempts().at(-1)?.outcome).toBe("loaded");
});

test("an addon that was built from other sources is refused, with what to do", async () => {
  const folder = mkdtempSync(join(tmpdir(), "etalon-stale-"));
  try {
    const stale = join(folder, "etalon.cjs"); // require takes it as it takes a .node
    writeFileSync(stale, "module.exports = { interface: 0, info: () => ({}) };");
    vi.stubEnv("ETALON_BINARY", stale);
    vi.resetModules();
    const fresh = await import("./index.ts");
    expect(thrown(() => fresh.backend()).message).toContain(
      'its interface is 0, and 2 is needed. Run "npx etalon-native build"',
    );
  } finally {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  }
});

test("setThreads holds, within bounds", () => {
  setThreads(3);
  expect(backend().threads).toBe(backend().name === "portable" ? 1 : 3);
  expect(thrown(() => setThreads(0)).message).toBe("threads is 0; allowed: a whole number ≥ 1 and ≤ 1024.");
});

describe.skipIf(!built)("the addon, in processes of its own", () => {
  const run = (code: string, env: Record<string, string> = {}) => {
    const source = `const b = require(${JSON.stringify(addon)}); ${code}`;
    return spawnSync(process.execPath, ["-e", source], { encoding: "utf8", env: { ...process.env, ...env } });
  };

  test("ETALON_TARGET forces a target; an unknown one fails and names those there are", () => {
    for (const target of backend().available) {
      expect(run("console.log(b.info().name)", { ETALON_TARGET: target }).stdout).toBe(`${target}\n`);
    }
    const { stdout } = run("try { b.info() } catch (e) { console.log(e.code, e.message) }", { ETALON_TARGET: "avx3" });
    const names = backend().available.join(", ");
    expect(stdout).toBe(`ETALON_UNSUPPORTED ETALON_TARGET is "avx3"; allowed here: ${names}\n`);
  });

  test("ETALON_NUM_THREADS sets the threads, or fails", () => {
    expect(run("console.log(b.info().threads)", { ETALON_NUM_THREADS: "5" }).stdout).toBe("5\n");
    const { stdout } = run("try { b.info() } catch (e) { console.log(e.message) }", { ETALON_NUM_THREADS: "two" });
    expect(stdout).toBe('ETALON_NUM_THREADS is "two"; allowed: a whole number from 1 to 1024\n');
  });

  test("every target gives the same bits", () => {
    const code = `const crypto = require("node:crypto"); const n = 100003, x = new Float32Array(n).map((_, i) => Math.sin(i));
      const y = new Float32Array(n), g = new Float32Array(n), logp = new Float64Array(1), s = () => new Float64Array(1);
      const policy = [Float64Array.of(0.9, 0.3, 0.2, 4), x, x, x.map((v) => v / 3), 1, n, 0];
      b.rollout(...policy, 9n, 1, Uint32Array.of(5), y, logp);
      const objective = [y, logp, Float64Array.of(1), 1, true, 0.1, y, x];
      b.policyGradient(...policy, ...objective, s(), s(), s(), s(), g, new Float32Array(n));
      console.log(crypto.createHash("sha256").update(y).update(g).update(logp).digest("hex"))`;
    const [first, ...rest] = backend().available.map(
      (target) => run(code, { ETALON_TARGET: target, ETALON_NUM_THREADS: "3" }).stdout,
    );
    expect(first).toMatch(/^[0-9a-f]{64}\n$/);
    for (const other of rest) expect(other).toBe(first);
  });

  test("leaves a process in good order in the middle of another thread's work", () => {
    const code = `const { Worker, isMainThread } = require("node:worker_threads");
      const big = new Float32Array(1 << 22);
      const work = () => { for (;;) b.normal(1n, 0, Uint32Array.of(1), big.length, big); };
      const worker = new Worker(\`const b = require(${JSON.stringify(addon)}); const big = new Float32Array(1 << 22); require("node:worker_threads").parentPort.postMessage(0); for (;;) b.normal(1n, 0, Uint32Array.of(1), big.length, big);\`, { eval: true });
      worker.on("message", () => { b.normal(1n, 0, Uint32Array.of(1), big.length, big); setTimeout(() => process.exit(7), 50); });`;
    const { status, signal } = run(code, { ETALON_NUM_THREADS: "2" });
    expect({ status, signal }).toEqual({ status: 7, signal: null });
  });

  test("serves several threads at once, each with the same answer", async () => {
    const code = `const { parentPort } = require("node:worker_threads"); const b = require(${JSON.stringify(addon)}); b.setThreads(2);
      const out = new Float32Array(300000); let sum = 0;
      for (let i = 0; i < 10; i++) { b.normal(BigInt(i), 0, Uint32Array.of(1), out.length, out); sum += out[299999]; }
      parentPort.postMessage(sum)`;
    const answers = await Promise.all(
      Array.from({ length: 3 }, () => {
        const worker = new Worker(code, { eval: true });
        return new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
      }),
    );
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).not.toBe(0);
  });
});
