// Loading weights from the page cache.   node bench/load.mjs [FOLDER]: 860 million random F16 weights in the sizes of Stable Diffusion v1.5's U-Net (1.72 GB; written first, kept where FOLDER is
// given) are loaded by loadModel, beside a plain read of the file and, where ETALON_BENCH_PYTHON names a Python with torch and safetensors, torch's own load; each in a process of its own, in turn.
import { execFileSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, statSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { configs } from "./sd15Configs.mjs";
import { writeRandomModel } from "./writeRandomModel.mjs";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const rounds = Number(process.env.ROUNDS ?? 5);
const peak = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0) / 1024;

/** What is timed, by its name: seconds, and the process's peak memory before and after, MiB. */
const ways = {
  "plain read, one 2 MiB buffer": (file) => plainRead(file, Buffer.alloc(2 ** 21)),
  "plain read, into new memory": (file) => plainRead(file, Buffer.allocUnsafe(statSync(file).size)),
  "loadModel, finite: false": (_, folder) => load(folder, { finite: false }),
  loadModel: (_, folder) => load(folder, {}),
  "loadModel, once more": (_, folder) => load(folder, {}, true),
};

const [first, second] = process.argv.slice(2);
if (first === "--way") {
  const folder = process.argv[4];
  console.log(JSON.stringify(await ways[second](join(folder, "diffusion_pytorch_model.safetensors"), folder)));
} else await compare(first);

function plainRead(file, buffer) {
  const before = peak();
  const begun = performance.now();
  const descriptor = openSync(file, "r");
  const size = statSync(file).size;
  for (let at = 0; at < size; ) {
    const to = buffer.length === size ? at : 0;
    at += readSync(descriptor, buffer, to, Math.min(buffer.length - to, 2 ** 30), at);
  }
  closeSync(descriptor);
  return { seconds: (performance.now() - begun) / 1000, before, after: peak() };
}

/** @param again  whether another load came before, whose memory is used again: what is timed has no new memory in it */
async function load(folder, options, again = false) {
  const { engine } = await import("@etalon/engine");
  const { loadModel } = await import("@etalon/models");
  const { name, version, threads } = await engine();
  if (again) (await loadModel(folder, options)).dispose();
  const before = peak();
  const begun = performance.now();
  const model = await loadModel(folder, options);
  const seconds = (performance.now() - begun) / 1000;
  const weights = model.net.parameters.bytes / 2 ** 20;
  return { seconds, before, after: peak(), weights, engine: `${name} ${version}, ${threads} threads` };
}

async function compare(given) {
  const folder = given ?? mkdtempSync(join(tmpdir(), "etalon-load-"));
  try {
    const file = join(folder, "diffusion_pytorch_model.safetensors");
    if (!existsSync(file)) {
      const { UNet2DConditionModel } = await import("@etalon/models");
      const { config } = configs.sd15;
      writeRandomModel(folder, config, [...new UNet2DConditionModel(config).net.parameters.specs.values()]);
    }
    const own = Object.keys(ways).map((way) => [way, process.execPath, [here("load.mjs"), "--way", way, folder]]);
    const python = process.env.ETALON_BENCH_PYTHON;
    const torch = ["load_file, cloned", "load_file, mapped"].map((way) => [`torch: ${way}`, python, [here("peers/load_torch.py"), file, way]]); // biome-ignore format: one thought
    const commands = python ? [...own, ...torch] : own;
    const results = new Map(commands.map(([way]) => [way, []]));
    for (let round = 0; round <= rounds; round++) {
      for (const [way, command, args] of commands) {
        const row = JSON.parse(execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }));
        if (round > 0) results.get(way).push(row); // the first round warms the page cache
      }
    }
    report(results, statSync(file).size / 1e9);
  } finally {
    if (given === undefined) rmSync(folder, { recursive: true });
  }
}

function report(results, gigabytes) {
  const median = (rows) => rows.map(({ seconds }) => seconds).sort((a, b) => a - b)[rows.length >> 1];
  const [{ engine, weights, before, after }] = results.get("loadModel");
  const ours = median(results.get("loadModel"));
  console.log(`${gigabytes.toFixed(2)} GB of F16 weights from the page cache; ${engine}; ${cpus()[0].model}, Node ${process.versions.node}; medians of ${rounds} processes`); // biome-ignore format: one thought
  for (const [way, rows] of results) {
    const seconds = median(rows);
    const times = rows.map((row) => row.seconds);
    console.log(`${way.padEnd(30)} ${seconds.toFixed(2)} s (${Math.min(...times).toFixed(2)} to ${Math.max(...times).toFixed(2)})  ${(gigabytes / seconds).toFixed(2)} GB/s  loadModel takes ${(ours / seconds).toFixed(2)}× of it`); // biome-ignore format: one thought
  }
  console.log(`peak memory of loadModel: ${after.toFixed(0)} MiB (${before.toFixed(0)} before it), weights at rest ${weights.toFixed(0)} MiB; allowed ${(1.15 * (weights + 300)).toFixed(0)} MiB`); // biome-ignore format: one thought
}
