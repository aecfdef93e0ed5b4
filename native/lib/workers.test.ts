import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const addon = fileURLToPath(new URL("../build/Release/etalon.node", import.meta.url));
const built = existsSync(addon) && process.env.ETALON_BINARY !== "portable";

/** Runs code in a process of its own, with the addon as `b` and a step of 2^20 elements at hand. */
function run(code: string, ...flags: string[]) {
  const prelude = `
    const b = require(${JSON.stringify(addon)}), { Worker, parentPort, isMainThread } = require("node:worker_threads");
    const dim = 1 << 20, maps = Float64Array.of(0.9, 0.3, 0.2, 1), samples = Uint32Array.of(5);
    const x = new Float32Array(dim).fill(0.5);
    const step = (seed, next = new Float32Array(dim), logp = new Float64Array(1)) => [maps, x, x, null, 1, dim, 0, BigInt(seed), 1, samples, next, logp];
    const work = (source) => new Worker(prelude + source, { eval: true });`;
  const source = `const prelude = ${JSON.stringify(prelude)};${prelude}${code}`;
  const env = { ...process.env, ETALON_NUM_THREADS: "2" };
  return spawnSync(process.execPath, [...flags, "-e", source], {
    encoding: "utf8",
    env,
    timeout: 60_000,
  });
}

describe.skipIf(!built)("the addon among threads", () => {
  test("eight workers at once, calls here and off the thread, all with the same answer", () => {
    const { stdout, status } = run(`
      const source = \`(async () => {
        const sums = [];
        for (let i = 0; i < 6; i++) {
          const here = step(i), away = step(i);
          const running = b.rolloutAsync(...away);
          b.rollout(...here);
          await running;
          if (Buffer.compare(Buffer.from(here.at(-2).buffer), Buffer.from(away.at(-2).buffer)) !== 0) throw new Error("differs");
          sums.push(here.at(-1)[0]);
        }
        parentPort.postMessage(sums.join());
      })()\`;
      Promise.all(Array.from({ length: 8 }, () => new Promise((ok, no) => work(source).once("message", ok).once("error", no))))
        .then((answers) => console.log(new Set(answers).size, answers.length));`);
    expect([stdout, status]).toEqual(["1 8\n", 0]);
  });

  test("eight workers terminated in the middle of calls, here and off the thread; the process goes on", () => {
    const { stdout, status, signal } = run(`
      const source = \`(async () => {
        parentPort.postMessage(0);
        for (let i = 0; ; i++) { b.rolloutAsync(...step(i)); b.rollout(...step(i)); await b.rolloutAsync(...step(i)); }
      })()\`;
      const one = () => new Promise((ok) => { const w = work(source); w.once("message", () => setTimeout(() => w.terminate().then(ok), 5 + 10 * Math.random())); });
      Promise.all(Array.from({ length: 8 }, one)).then(() => { const a = step(1); b.rollout(...a); console.log(a.at(-1)[0] !== 0); });`);
    expect([stdout, status, signal]).toEqual(["true\n", 0, null]);
  });

  test("exit in mid-call", () => {
    const { status, signal } = run(
      `for (let i = 0; i < 6; i++) b.rolloutAsync(...step(i)); setImmediate(() => process.exit(7));`,
    );
    expect([status, signal]).toEqual([7, null]);
  });

  test("arrays that nobody else holds live until their call is over", () => {
    const { stdout, status } = run(
      `(async () => {
        const want = step(1); b.rollout(...want);
        let running = [];
        for (let i = 0; i < 8; i++) { running.push(b.rolloutAsync(...step(1))); gc(); }
        await Promise.all(running); gc();
        const last = step(1), promise = b.rolloutAsync(...last); gc(); await promise;
        console.log(Buffer.compare(Buffer.from(last.at(-2).buffer), Buffer.from(want.at(-2).buffer)));
      })()`,
      "--expose-gc",
    );
    expect([stdout, status]).toEqual(["0\n", 0]);
  });

  test("100,000 calls, a tenth of them refused, leave nothing behind", () => {
    const { stdout, status, stderr } = run(
      `const d = 64, y = x.subarray(0, d), given = [y, y, null, 1, d, 0], still = Float64Array.of(1, 1, 0, 1);
      const next = new Float32Array(d), logp = new Float64Array(1), one = () => new Float64Array(1);
      const outcome = [one(), one(), one(), one(), new Float32Array(d), null];
      const objective = [next, logp, one(), 0.1, true, 0, null, null];
      const round = async (calls) => {
        for (let i = 0; i < calls; i += 4) {
          b.rollout(maps, ...given, 1n, i, samples, next, logp);
          b.logProb(maps, ...given, next, logp);
          b.policyGradient(maps, ...given, ...objective, ...outcome);
          if (i % 40 === 0) { try { b.logProb(still, ...given, next, logp); } catch {} await b.logProbAsync(still, ...given, next, logp).catch(() => {}); }
          else await b.rolloutAsync(maps, ...given, 1n, i, samples, next, logp);
        }
        gc();
        return process.memoryUsage().rss;
      };
      (async () => {
        await round(20000);
        const before = await round(20000), after = await round(100000);
        console.log(after - before < 4 << 20 ? "flat" : "grew by " + (after - before));
      })()`,
      "--expose-gc",
    );
    expect([stdout, status, stderr]).toEqual(["flat\n", 0, ""]);
  }, 60_000);
});
