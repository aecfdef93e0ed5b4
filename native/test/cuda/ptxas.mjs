#!/usr/bin/env node
// Compiles src/cuda with nvcc, warnings as errors, and reads from ptxas what each kernel takes. Fails on a warning or a spilled register.
//   node test/cuda/ptxas.mjs                    sm_90 alone: quick
//   node test/cuda/ptxas.mjs --all              every architecture we build for
//   node test/cuda/ptxas.mjs --all --write      and puts the table into docs/cuda.md
// Without nvcc it says so and ends with 77 (ctest: skipped).
import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const native = join(dirname(fileURLToPath(import.meta.url)), "../..");
const every = ["75", "80", "86", "89", "90", "100", "120"];
const flags = process.argv.slice(2);
const architectures = flags.includes("--all") ? every : ["90"];
const nvcc = [
  process.env.CUDACXX,
  ...(process.env.PATH ?? "").split(":").map((folder) => join(folder, "nvcc")),
  "/usr/local/cuda/bin/nvcc",
].find((path) => path && existsSync(path));
if (nvcc === undefined) {
  console.log("nvcc not found (CUDACXX, PATH, /usr/local/cuda/bin): skipped");
  process.exit(77);
}

/** -> [{kernel, architecture, registers, spilled, shared}] out of the text of `ptxas -v` */
function readPtxas(text) {
  const rows = [];
  let entry,
    spilled = 0;
  for (const line of text.split("\n")) {
    const compiling = /Compiling entry function '(\w+)' for 'sm_(\d+)/.exec(line);
    if (compiling) entry = { mangled: compiling[1], architecture: compiling[2] };
    const spills = /(\d+) bytes spill stores, (\d+) bytes spill loads/.exec(line);
    if (spills) spilled = Number(spills[1]) + Number(spills[2]);
    const used = /Used (\d+) registers/.exec(line);
    if (used && entry)
      rows.push({
        ...entry,
        registers: Number(used[1]),
        spilled,
        shared: Number(/(\d+) bytes smem/.exec(line)?.[1] ?? 0),
      });
  }
  const names =
    spawnSync("c++filt", { input: rows.map((row) => row.mangled).join("\n"), encoding: "utf8" }).stdout?.split("\n") ??
    [];
  return rows.map((row, i) => ({
    ...row,
    kernel: (names[i] || row.mangled)
      .replace(/^void /, "")
      .replace(/\(anonymous namespace\)::|etalon::cuda::/g, "")
      .replace(/\(.*$/, ""),
  }));
}

/** What one SM holds: registers are 65,536 everywhere. CUDA C++ Programming Guide, compute capabilities. */
const sms = {
  75: { threads: 1024, blocks: 16, shared: 64 },
  80: { threads: 2048, blocks: 32, shared: 164 },
  86: { threads: 1536, blocks: 16, shared: 100 },
  89: { threads: 1536, blocks: 24, shared: 100 },
  90: { threads: 2048, blocks: 32, shared: 228 },
  100: { threads: 2048, blocks: 32, shared: 228 },
  120: { threads: 1536, blocks: 24, shared: 100 },
};

/** The share of an SM's threads that blocks of this kernel can fill, in percent: registers come by 256 a warp, and a block takes 1 KiB of shared memory beside its own (not on 75). */
function occupancy({ kernel, architecture, registers, shared }) {
  const sm = sms[architecture];
  const threads = /density|judge/.test(kernel) ? 32 : 128;
  const perWarp = Math.ceil((registers * 32) / 256) * 256;
  const memory = shared + (architecture === "75" ? 0 : 1024);
  const byMemory = memory === 0 ? Infinity : Math.floor((sm.shared * 1024) / memory);
  const blocks = Math.min(sm.blocks, sm.threads / threads, Math.floor(65536 / perWarp / (threads / 32)), byMemory);
  return Math.round((100 * blocks * threads) / sm.threads);
}

/** -> {refused, text}: whether nvcc failed on a file, and what it said */
const compile = (file, out) =>
  new Promise((resolve) => {
    const targets = architectures.map((sm) => `-gencode=arch=compute_${sm},code=sm_${sm}`);
    const flags = [
      "-std=c++17",
      "-O3",
      "-fmad=false",
      "-Werror=all-warnings",
      "-Xcompiler=-Wall,-Wextra,-Werror,-fPIC,-ffp-contract=off",
      "-Xptxas=-v,-warn-spills",
      ...targets,
      `-I${join(native, "include")}`,
      `-I${join(native, "src")}`,
    ];
    const paths = ["-c", join(native, "src/cuda", file), "-o", join(out, `${file}.o`)];
    execFile(nvcc, [...flags, ...paths], { maxBuffer: 1 << 28 }, (error, stdout, stderr) =>
      resolve({ refused: error !== null, text: stdout + stderr || (error?.message ?? "") }),
    );
  });

const out = mkdtempSync(join(tmpdir(), "etalon-ptxas-"));
const files = readdirSync(join(native, "src/cuda")).filter((name) => name.endsWith(".cu"));
// A file a core, the largest first; the table keeps the files' order.
const size = (file) => statSync(join(native, "src/cuda", file)).size;
const waiting = [...files].sort((a, b) => size(b) - size(a));
const told = new Map();
const core = async () => {
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) told.set(file, await compile(file, out));
};
await Promise.all(Array.from({ length: availableParallelism() }, core));
const rows = [];
let failed = false;
for (const file of files) {
  const { refused, text } = told.get(file);
  if (refused || /warning/i.test(text)) {
    failed = true;
    console.log(`${file}: nvcc failed or warned\n${text}`);
  }
  rows.push(...readPtxas(text));
}
rmSync(out, { recursive: true, force: true });

const lines = [
  `| kernel | registers by architecture (${architectures.join(", ")}) | occupancy, % | shared, bytes | spilled, bytes |`,
  "|---|---|---|---|---|",
];
for (const kernel of new Set(rows.map((row) => row.kernel))) {
  const mine = architectures.map((sm) => rows.find((row) => row.kernel === kernel && row.architecture === sm));
  const spilled = Math.max(...mine.map((row) => row?.spilled ?? 0));
  failed ||= spilled > 0;
  lines.push(
    `| \`${kernel}\` | ${mine.map((row) => row?.registers ?? "–").join(", ")} | ${mine.map((row) => (row ? occupancy(row) : "–")).join(", ")} | ${Math.max(...mine.map((row) => row?.shared ?? 0))} | ${spilled} |`,
  );
}
console.log(lines.join("\n"));
if (rows.length === 0) failed = true;
if (flags.includes("--write") && !failed) {
  const page = join(native, "docs/cuda.md"),
    text = readFileSync(page, "utf8");
  writeFileSync(
    page,
    text.replace(
      /(<!-- ptxas -->\n)[\s\S]*?(<!-- \/ptxas -->)/,
      (_, open, close) => `${open}${lines.join("\n")}\n${close}`,
    ),
  );
}
process.exit(failed ? 1 : 0);
