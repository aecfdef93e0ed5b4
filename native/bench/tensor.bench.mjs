// The heavy tensor kernels against torch eager, float32: `node bench/tensor.bench.mjs [part of a name]`; ETALON_BENCH_PYTHON names a python that has torch
// (without: no contender, said aloud). Results are compared first, then timed: contenders in turn, medians, the best, ratios in one run.
// ETALON_BENCH_CLOCK=cpu counts each process's CPU time instead, at one thread only: for a machine that others use too.
import { spawn } from "node:child_process";
import { cpus } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { backend, setThreads } from "../dist/index.js";
import { heavyKernels } from "../dist/tensor.js";
import { contender } from "./tensorCases.mjs";

const kernels = heavyKernels();
if (kernels === undefined) {
  console.error('No addon: run "npm run build -w native" first.');
  process.exit(1);
}

const cases = [
  { op: "gemm", m: 512, n: 768, k: 192, flops: 2 * 512 * 768 * 192, repeats: 200 },
  { op: "gemm", m: 512, n: 192, k: 768, transposeB: true, flops: 2 * 512 * 768 * 192, repeats: 200 },
  { op: "gemm", m: 192, n: 768, k: 512, transposeA: true, flops: 2 * 512 * 768 * 192, repeats: 200 },
  { op: "gemm", m: 896, n: 576, k: 192, flops: 2 * 896 * 576 * 192, repeats: 200 },
  { op: "gemm", m: 1024, n: 1024, k: 1024, flops: 2 * 1024 ** 3, repeats: 30 },
  { op: "gemm", m: 4096, n: 3072, k: 3072, flops: 2 * 4096 * 3072 * 3072, repeats: 3 },
  { op: "gemm", batch: 192, m: 28, n: 28, k: 32, transposeB: true, flops: 2 * 192 * 28 * 28 * 32, repeats: 300 },
  { op: "gemm", batch: 192, m: 28, n: 32, k: 28, flops: 2 * 192 * 28 * 28 * 32, repeats: 300 },
  ...[
    { batch: 32, heads: 6, tokens: 28, depth: 32, repeats: 150 },
    { batch: 1, heads: 4, tokens: 4608, depth: 64, repeats: 3 },
    { batch: 1, heads: 2, tokens: 4608, depth: 128, repeats: 3 },
    { batch: 1, heads: 8, tokens: 1024, depth: 40, repeats: 15 }, // of a U-Net
  ].flatMap((size) => {
    const flops = 4 * size.batch * size.heads * size.tokens ** 2 * size.depth;
    return [
      { op: "attention", ...size, flops },
      { op: "attentionGradients", ...size, flops: 2.5 * flops },
    ];
  }),
  // Those of a U-Net: on its way down, at its bottom, its projections.
  ...[
    { batch: 1, side: 64, channels: 320, out: 320, filter: 3, stride: 1, repeats: 3 },
    { batch: 2, side: 32, channels: 320, out: 320, filter: 3, stride: 1, repeats: 5 },
    { batch: 8, side: 32, channels: 320, out: 320, filter: 3, stride: 1, repeats: 2 },
    { batch: 1, side: 64, channels: 320, out: 320, filter: 3, stride: 2, repeats: 9 },
    { batch: 4, side: 16, channels: 640, out: 640, filter: 3, stride: 1, repeats: 3 },
    { batch: 1, side: 8, channels: 1280, out: 1280, filter: 3, stride: 1, repeats: 5 },
    { batch: 4, side: 8, channels: 1280, out: 1280, filter: 3, stride: 1, repeats: 3 },
    { batch: 4, side: 32, channels: 320, out: 320, filter: 1, stride: 1, repeats: 9 },
    { batch: 2, side: 32, channels: 960, out: 320, filter: 1, stride: 1, repeats: 9 },
  ].flatMap(({ repeats, ...size }) => {
    const flops = 2 * size.batch * (size.side / size.stride) ** 2 * size.filter ** 2 * size.channels * size.out;
    return ["conv2d", "conv2dInputGradient", "conv2dFilterGradient"].map((op) => ({ op, ...size, flops, repeats }));
  }),
];
const rounds = 3;
const cpu = process.env.ETALON_BENCH_CLOCK === "cpu";
const now = cpu
  ? () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    }
  : () => performance.now() / 1e3;

const nameOf = ({ op, flops: _, repeats: __, ...sizes }) =>
  `${op} ${Object.entries(sizes)
    .map(([key, value]) => (value === true ? key : `${key} ${value}`))
    .join(", ")}`;

function etalon({ threads, repeats, ...size }) {
  setThreads(threads);
  const { run, out } = contender(kernels, size);
  const seconds = [];
  for (let i = 0; i < repeats + 1; i++) {
    const start = now();
    run();
    seconds.push(now() - start);
  }
  return { seconds: seconds.slice(1), check: sample(out) };
}

/** Some elements of a result, and their common size. */
function sample(out) {
  const picked = Array.from({ length: 16 }, (_, i) => out[Math.floor(((i + 0.5) / 16) * out.length)]);
  return { picked, size: out.reduce((sum, value) => sum + Math.abs(value), 0) / out.length };
}

function agree(name, { check: a }, { check: b }) {
  const worst = Math.max(...a.picked.map((value, i) => Math.abs(value - b.picked[i])));
  if (!(worst < 1e-3 * a.size) || !(Math.abs(a.size - b.size) < 1e-4 * a.size)) {
    throw new Error(`${name}: etalon and torch disagree by ${worst} where values are ${a.size}`);
  }
}

/** A process of its own, asked by line. */
function torchPeer(python) {
  const child = spawn(python, [fileURLToPath(new URL("peers/tensor_torch.py", import.meta.url))], {
    stdio: ["pipe", "pipe", "inherit"],
  });
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

const median = (all) => all.toSorted((a, b) => a - b)[all.length >> 1];
const best = (all) => Math.min(...all);
const python = process.env.ETALON_BENCH_PYTHON;
const torch = python ? torchPeer(python) : undefined;
const version = torch ? `torch ${(await torch.hello()).version}` : "no torch: set ETALON_BENCH_PYTHON to compare";
console.log(
  `${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}, target ${backend().name}; ${version}; ${cpu ? "CPU" : "wall"} time`,
);
console.log("| case | threads | etalon, ms (best) | GFLOP/s | torch, ms (best) | torch ÷ etalon (of the best) |");
console.log("|---|---|---|---|---|---|");
for (const size of cases.filter((one) => nameOf(one).includes(process.argv[2] ?? ""))) {
  for (const threads of cpu ? [1] : [1, 2]) {
    const times = { etalon: [], torch: [] };
    for (let round = 0; round < rounds; round++) {
      const ours = etalon({ ...size, threads });
      times.etalon.push(...ours.seconds);
      if (torch === undefined) continue;
      const theirs = await torch.run({ ...size, threads, cpu });
      agree(nameOf(size), ours, theirs);
      times.torch.push(...theirs.seconds);
    }
    const show = (all) =>
      all.length > 0 ? `${(median(all) * 1e3).toPrecision(3)} (${(best(all) * 1e3).toPrecision(3)})` : "–";
    const ratio = (of) => (torch ? (of(times.torch) / of(times.etalon)).toFixed(2) : "–");
    const rate = Math.round(size.flops / best(times.etalon) / 1e9);
    console.log(
      `| ${nameOf(size)} | ${threads} | ${show(times.etalon)} | ${rate} | ${show(times.torch)} | ${ratio(median)} (${ratio(best)}) |`,
    );
  }
}
torch?.end();
