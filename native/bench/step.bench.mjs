// The sampler's step and the policy gradient against torch (eager, compiled), numpy and plain JavaScript: `npm run bench -w native`.
//   ETALON_BENCH_PYTHON   a python that has torch and numpy; without it those contenders are missing, said aloud
//   --json FILE           writes all figures too        --quick   fewer repeats        --no-compile   without torch.compile (it compiles for each size and thread count)
//   --sizes 1x16384,…     these sizes only, a part of the whole        --no-cuda   without compiling the CUDA kernels for their registers
// Results are checked first, then timed: contenders in turn, several rounds in one run, medians and quartiles, ratios of medians.
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { etalon } from "./contenders/etalon.mjs";
import { javascript } from "./contenders/javascript.mjs";
import { python } from "./contenders/python.mjs";
import { stream } from "./contenders/stream.mjs";
import { overheads } from "./overheads.mjs";
import { tableOf } from "./tableOf.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const addon = here("../build/Release/etalon.node");
if (!existsSync(addon)) {
  console.error('No addon: run "npm run build:addon -w native" first.');
  process.exit(1);
}
const binding = createRequire(import.meta.url)(addon);
const flags = process.argv.slice(2);
const quick = flags.includes("--quick");
const after = (flag) => (flags.includes(flag) ? flags[flags.indexOf(flag) + 1] : undefined);

const all = [
  { name: "SD latents", batch: 1, dim: 16_384, repeats: 200 },
  { name: "16 SD latents", batch: 16, dim: 16_384, repeats: 40 },
  { name: "16 FLUX latents", batch: 16, dim: 65_536, repeats: 15 },
  { name: "4M", batch: 1, dim: 4 << 20, repeats: 9 },
];
const wanted = after("--sizes")?.split(",");
const sizes = all.filter(({ batch, dim }) => wanted === undefined || wanted.includes(`${batch}x${dim}`));
if (sizes.length === 0 || (wanted && sizes.length < wanted.length)) {
  console.error(`--sizes takes some of ${all.map(({ batch, dim }) => `${batch}x${dim}`).join(",")}.`);
  process.exit(2);
}
const operations = ["normal", "step", "policyGradient"];
const rounds = quick ? 2 : 3;

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const quantile = (values, q) => values.toSorted((a, b) => a - b)[Math.floor(q * (values.length - 1))];

/** What contenders must agree on without sharing noise: moments of what was drawn, log p per element whose law is known; loss and Σ |gradient| of the update. */
function checkResult(contender, operation, check, { batch, dim }, first) {
  const n = batch * dim;
  const near = (value, expected, tolerance) => Math.abs(value - expected) <= tolerance;
  const right = {
    normal: () => near(check[0], 0, 5 / Math.sqrt(n)) && near(check[1], 1, 5 * Math.sqrt(2 / n)),
    step: () =>
      near(check[0], 0, 5 * (0.4 / Math.sqrt(n)) + 4 / n) &&
      near(check[1], -0.5 - Math.log(0.4 * Math.sqrt(2 * Math.PI)), 5 * Math.sqrt(0.5 / n)),
    policyGradient: () => near(check[0], first[0], 1e-3) && near(check[1] / first[1], 1, 1e-3),
  }[operation]();
  if (!right)
    throw new Error(
      `${contender} disagrees in ${operation}, ${batch} × ${dim}: ${check}${first ? `, not ${first}` : ""}`,
    );
}

const torch = process.env.ETALON_BENCH_PYTHON ? await python(process.env.ETALON_BENCH_PYTHON) : undefined;
const contenders = { etalon: etalon(binding), ...torch?.contenders, javascript: javascript(), stream: stream() };
if (flags.includes("--no-compile")) delete contenders["torch.compile"];

const model = cpus()[0].model;
const machine = `${model}, ${cpus().length} cores, load ${loadavg()[0].toFixed(1)}, Node ${process.version}, target ${binding.info().name}`;
console.log(
  `${machine}; ${torch?.versions ?? "no torch, no numpy: set ETALON_BENCH_PYTHON to compare"}\nfloat32; ns an element, median (best); ratio: median of the contender / median of etalon\n`,
);

const results = [];
for (const size of sizes) {
  for (const threads of [1, 2]) {
    for (const operation of operations) {
      const times = {};
      const checks = {};
      for (let round = 0; round < rounds; round++) {
        for (const [name, run] of Object.entries(contenders)) {
          if ((name === "javascript" || name === "numpy" || name === "stream") && threads > 1) continue;
          const repeats = Math.max(3, Math.round(size.repeats / (quick ? 3 : 1) / (name === "javascript" ? 5 : 1)));
          const answer = await run({ ...size, operation, threads, repeats });
          if (answer === undefined) continue; // has no such operation
          if (answer.error) {
            console.log(`${name}: ${answer.error}`);
            delete contenders[name];
            continue;
          }
          checks[name] = answer.check;
          if (answer.check) checkResult(name, operation, answer.check, size, checks.etalon);
          times[name] = [...(times[name] ?? []), ...answer.seconds];
        }
      }
      const n = size.batch * size.dim;
      const figures = Object.fromEntries(
        Object.entries(times).map(([name, seconds]) => {
          const ns = seconds.map((s) => (s * 1e9) / n);
          return [
            name,
            { median: median(ns), best: Math.min(...ns), quartiles: [quantile(ns, 0.25), quantile(ns, 0.75)] },
          ];
        }),
      );
      results.push({ operation, batch: size.batch, dim: size.dim, threads, nsPerElement: figures });
      const cells = Object.entries(figures).map(([name, { median: m, best }]) => {
        const ratio = name === "etalon" ? "" : ` = ${(m / figures.etalon.median).toFixed(2)}×`;
        return `${name} ${m.toFixed(2)} (${best.toFixed(2)})${ratio}`;
      });
      console.log(
        `${operation}, ${size.batch} × ${size.dim}, ${threads} thread${threads > 1 ? "s" : ""}: ${cells.join("; ")}`,
      );
    }
  }
}

const of = (operation, batch, dim, threads) =>
  results.find((r) => r.operation === operation && r.batch === batch && r.dim === dim && r.threads === threads)
    .nsPerElement.etalon.median;
console.log(`\n${tableOf(results)}`);
console.log("\nof etalon alone: step / normal at one thread; one thread / two threads");
for (const { batch, dim } of sizes) {
  const [step, noise, two] = [of("step", batch, dim, 1), of("normal", batch, dim, 1), of("step", batch, dim, 2)];
  console.log(`${batch} × ${dim}: ${(step / noise).toFixed(2)}; ${(step / two).toFixed(2)}`);
}

console.log("\noverheads at D = 64, microseconds a call");
const calls = await overheads(binding);
for (const [name, microseconds] of Object.entries(calls)) console.log(`${name}: ${microseconds.toFixed(2)}`);

const ptxas = flags.includes("--no-cuda")
  ? { status: 77, stdout: "not compiled: --no-cuda" }
  : spawnSync(process.execPath, [here("../test/cuda/ptxas.mjs")], { encoding: "utf8" });
if (ptxas.status === 0) console.log(`\nCUDA kernels on sm_90, as compiled (no GPU here)\n${ptxas.stdout}`);
else console.log(`\nCUDA kernels: ${ptxas.stdout.trim().split("\n")[0]}`);

const json = after("--json");
if (json !== undefined) {
  const cuda = ptxas.status === 0 ? ptxas.stdout.trim().split("\n") : undefined;
  writeFileSync(
    json,
    `${JSON.stringify({ machine, versions: torch?.versions, results, overheads: calls, cuda }, null, 1)}\n`,
  );
}
torch?.end();
