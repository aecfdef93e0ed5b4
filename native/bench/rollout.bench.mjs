// The rollout step against torch eager: `npm run bench -w native`; ETALON_BENCH_PYTHON names a python that has torch (without: no contender, said aloud).
// Results are checked first, then timed: contenders in turn, medians, spread, ratios in one run.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const addon = here("../build/Release/etalon.node");
if (!existsSync(addon)) {
  console.error('No addon: run "npm run build:addon -w native" first.');
  process.exit(1);
}
const binding = createRequire(import.meta.url)(addon);

const sizes = [
  { batch: 16, dim: 16_384, repeats: 60 },
  { batch: 1, dim: 4 << 20, repeats: 11 },
];
const rounds = 3;
const map = Float64Array.of(0.93, -0.21, 0.4, 1);

function etalon({ batch, dim, threads, repeats }) {
  binding.setThreads(threads);
  const x = new Float32Array(batch * dim).map((_, i) => Math.sin(i));
  const cond = x.map((_, i) => Math.cos(i));
  const next = new Float32Array(batch * dim);
  const logp = new Float64Array(batch);
  const samples = Uint32Array.from({ length: batch }, (_, i) => i);
  const policy = { x, cond, uncond: null, batch, dim };
  const seconds = [];
  for (let i = 0; i < repeats + 2; i++) {
    const start = process.hrtime.bigint();
    binding.rollout(map, 1n, i, samples, policy, next, logp);
    seconds.push(Number(process.hrtime.bigint() - start) / 1e9);
  }
  const mean = next.reduce((a, b) => a + b, 0) / next.length;
  return { seconds: seconds.slice(2), mean, logp: logp.reduce((a, b) => a + b / dim, 0) / batch };
}

/** A process of its own, asked by line. */
function torchPeer(python) {
  const child = spawn(python, [here("peers/rollout_torch.py")], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => JSON.parse((await lines.next()).value);
  return {
    hello: read,
    run(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return read();
    },
    end: () => child.stdin.end(),
  };
}

/** Of log p per element when y is just drawn: −½ − log std − ½ log 2π, ± five standard errors; and of the mean of y, which is near 0. */
function checkResult(name, { mean, logp }, { batch, dim }) {
  const expected = -0.5 - Math.log(0.4) - 0.5 * Math.log(2 * Math.PI);
  const n = batch * dim;
  if (Math.abs(logp - expected) > 5 * Math.sqrt(0.5 / n) || Math.abs(mean) > 5 * (0.4 / Math.sqrt(n)) + 4 / n) {
    throw new Error(`${name} disagrees: log p per element ${logp} (expected ${expected}), mean ${mean}`);
  }
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const quartiles = (values) => [0.25, 0.75].map((q) => values.toSorted((a, b) => a - b)[Math.floor(q * values.length)]);

const python = process.env.ETALON_BENCH_PYTHON;
const torch = python ? torchPeer(python) : undefined;
const version = torch ? `torch ${(await torch.hello()).version}` : "no torch: set ETALON_BENCH_PYTHON to compare";
console.log(
  `${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}, target ${binding.info().name}; ${version}`,
);
console.log("rollout: mean, noise, next state, log-probability; float32; medians (quartiles)\n");
for (const size of sizes) {
  for (const threads of [1, 2]) {
    const times = { etalon: [], torch: [] };
    for (let round = 0; round < rounds; round++) {
      for (const [name, run] of [["etalon", etalon], ...(torch ? [["torch", torch.run]] : [])]) {
        const result = await run({ ...size, threads });
        checkResult(name, result, size);
        times[name].push(...result.seconds);
      }
    }
    const show = (name) => {
      const perElement = (s) => ((s * 1e9) / (size.batch * size.dim)).toFixed(2);
      const [low, high] = quartiles(times[name]).map(perElement);
      const best = perElement(Math.min(...times[name]));
      return `${name} ${(median(times[name]) * 1e3).toFixed(2)} ms, ${perElement(median(times[name]))} (${low}–${high}; best ${best}) ns/element`;
    };
    const ratio = (of) => (of(times.torch) / of(times.etalon)).toFixed(2);
    console.log(
      `${size.batch} × ${size.dim}, ${threads} thread${threads > 1 ? "s" : ""}: ${show("etalon")}${torch ? `; ${show("torch")}; torch / etalon = ${ratio(median)}, of the best ${ratio((all) => Math.min(...all))}` : ""}`,
    );
  }
}
torch?.end();
