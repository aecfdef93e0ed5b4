// Stable Diffusion v1.5's U-Net.   node bench/sd15.mjs [tiny|mid]: seconds of a forward pass and of a LoRA update (rank 4, AdamW) on the engines found here and, where
// ETALON_BENCH_PYTHON names a Python with torch and safetensors, in torch, each in a process of its own, in turn; the outputs are compared first.
//   node bench/sd15.mjs real [FOLDER]: 860 million random F16 weights are written, loaded and run once at 64×64 latents; times and peak memory.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { configs } from "./sd15Configs.mjs";
import { writeRandomModel } from "./writeRandomModel.mjs";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const [what = "tiny", folder, engineName] = process.argv.slice(2);
const rounds = Number(process.env.ROUNDS ?? 3);
const batch = 1;
/** Timed calls, after a third as many: V8 compiles what runs often. */
const repeatsOf = (name) => (name === "mid" ? 3 : 45);

if (engineName !== undefined) process.stdout.write(JSON.stringify(await time(what, folder, engineName)));
else if (what === "real") await real(folder ?? mkdtempSync(join(tmpdir(), "etalon-sd15-")), folder === undefined);
else compare(what);

async function open(name, place, wanted) {
  const { engine, tf } = await import("@etalon/engine");
  const { loadModel } = await import("@etalon/models");
  const { version, threads, name: engineIs } = await engine(wanted);
  const model = await loadModel(place, { className: "UNet2DConditionModel" });
  const { size, config } = configs[name];
  const wave = (...shape) => {
    const count = shape.reduce((a, b) => a * b);
    return tf.tensor(Float32Array.from({ length: count }, (_, i) => Math.sin(i * 0.37)), shape); // biome-ignore format: one thought
  };
  const inputs = { sample: wave(batch, size, size, 4), timestep: 400, encoderHiddenStates: wave(batch, 77, config.cross_attention_dim) }; // biome-ignore format: one thought
  return { tf, model, inputs, label: { engine: `${engineIs} ${version}`, threads } };
}

async function time(name, place, wanted) {
  const { AdamW } = await import("@etalon/engine");
  const { tf, model, inputs, label } = await open(name, place, wanted);
  const repeats = repeatsOf(name);
  const forward = () => {
    const { sample } = model.forward(inputs);
    const values = sample.dataSync();
    sample.dispose();
    return values;
  };
  const values = forward();
  let [sum, squares] = [0, 0];
  for (const value of values) [sum, squares] = [sum + value, squares + value * value];
  model.addAdapter({ rank: 4, alpha: 4 });
  const variables = model.parameters("lora");
  const optimiser = new AdamW(variables, { learningRate: 1e-6 });
  const update = () => {
    const { value, grads } = tf.variableGrads(() => model.forward(inputs).sample.square().mean().asScalar(), [...variables.values()]); // biome-ignore format: one thought
    optimiser.step(Object.fromEntries([...variables].map(([key, variable]) => [key, grads[variable.name]])));
    value.dataSync();
    tf.dispose([value, ...Object.values(grads)]);
  };
  const timed = (call) => {
    for (let i = 0; i < Math.ceil(repeats / 3); i++) call();
    const times = Array.from({ length: repeats }, () => {
      const [begun, used] = [performance.now(), process.cpuUsage()];
      call();
      const { user, system } = process.cpuUsage(used);
      return [(performance.now() - begun) / 1000, (user + system) / 1e6];
    });
    return [times.map(([wall]) => wall).sort((a, b) => a - b)[repeats >> 1], Math.min(...times.map(([, cpu]) => cpu))];
  };
  const [forwardS, forwardCpu] = timed(forward);
  const [recomputedS, recomputedCpu] = timed(update);
  model.net.checkpointing = false;
  const [updateS, updateCpu] = timed(update);
  return { ...label, forward: forwardS, update: updateS, forwardCpu, updateCpu, recomputed: recomputedS, recomputedCpu, sums: [sum, Math.sqrt(squares)] }; // biome-ignore format: one thought
}

/** The parameters of a config, as UNet2DConditionModel declares them: a load that is refused names none, so they come from the model's own list. */
async function specsOf(config) {
  const { UNet2DConditionModel } = await import("@etalon/models");
  return [...new UNet2DConditionModel(config).net.parameters.specs.values()];
}

async function compare(name) {
  const place = mkdtempSync(join(tmpdir(), "etalon-unet-"));
  try {
    const { config, size } = configs[name];
    writeRandomModel(place, config, await specsOf(config));
    const threads = Number(process.env.ETALON_NUM_THREADS ?? cpus().length);
    const own = (process.env.ENGINES ?? "native,tfjs-node")
      .split(",")
      .map((engine) => [process.execPath, [here("sd15.mjs"), name, place, engine]]);
    const python = process.env.ETALON_BENCH_PYTHON;
    const args = [here("peers/unet_torch.py"), place, "--size", size, "--batch", batch, "--threads", threads, "--repeats", repeatsOf(name)]; // biome-ignore format: one thought
    const commands = python ? [...own, [python, args.map(String)]] : own;
    const results = new Map();
    for (let round = 0; round < rounds; round++) {
      for (const [command, given] of commands) {
        try {
          const env = { ...process.env, ETALON_NUM_THREADS: String(threads), OMP_NUM_THREADS: String(threads), TF_NUM_INTRAOP_THREADS: String(threads) }; // biome-ignore format: one thought
          const row = JSON.parse(execFileSync(command, given, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 2 ** 26, env })); // biome-ignore format: one thought
          results.set(row.engine, [...(results.get(row.engine) ?? []), row]);
        } catch (error) {
          const lines = String(error.stderr ?? error).split("\n");
          const said = lines.filter((line) => /error|killed|memory/i.test(line) && !/^[IW]\d{4} /.test(line)); // TensorFlow logs infos there, too
          if (round === 0) console.log(`left out: ${given.at(-1)}: ${said.at(0) ?? `ended by ${error.signal ?? error.status}`}`); // biome-ignore format: one thought
        }
      }
    }
    report(name, results, threads);
  } finally {
    rmSync(place, { recursive: true });
  }
}

function report(name, results, threads) {
  const least = (rows, key) => Math.min(...rows.map((row) => row[key] ?? Number.NaN));
  const [first, ...others] = [...results.values()].map(([row]) => row.sums);
  for (const sums of others) {
    if (sums.every((value, i) => Math.abs(value - first[i]) <= 1e-3 * Math.max(1, Math.abs(first[1])))) continue;
    throw new Error(`the outputs differ: ${JSON.stringify([first, sums])}`);
  }
  const base = [...results].find(([key]) => key.startsWith("torch"))?.[1] ?? [...results.values()][0];
  console.log(`U-Net ${name}, batch ${batch}, ${threads} threads, ${cpus()[0].model}, Node ${process.versions.node}; the least of ${rounds} processes' medians (wall), and the least CPU time; outputs agree`); // biome-ignore format: one thought
  for (const [engine, rows] of results) {
    const shown = (key) => `${(1000 * least(rows, key)).toFixed(0)} ms (${(least(rows, key) / least(base, key)).toFixed(2)}×)`; // biome-ignore format: one thought
    const again = Number.isFinite(least(rows, "recomputed")) ? `   update with blocks run again ${(1000 * least(rows, "recomputed")).toFixed(0)} ms (${(least(rows, "recomputed") / least(base, "update")).toFixed(2)}×)` : ""; // biome-ignore format: one thought
    console.log(`${engine.padEnd(18)} forward ${shown("forward")}, CPU ${shown("forwardCpu")}   LoRA update ${shown("update")}, CPU ${shown("updateCpu")}${again}`); // biome-ignore format: one thought
  }
}

async function real(place, made) {
  const seconds = (begun) => ((performance.now() - begun) / 1000).toFixed(1);
  const peak = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0) / 1024;
  const { config } = configs.sd15;
  try {
    if (!existsSync(join(place, "config.json"))) {
      const begun = performance.now();
      const bytes = writeRandomModel(place, config, await specsOf(config));
      console.log(`wrote ${(bytes / 1e9).toFixed(2)} GB of random F16 weights in ${seconds(begun)} s`);
    }
    // In a process of its own, so that what was written does not count.
    if (made) return void execFileSync(process.execPath, [here("sd15.mjs"), "real", place], { stdio: "inherit" });
    const empty = peak();
    let begun = performance.now();
    const { model, inputs, label } = await open("sd15", place, process.env.ETALON_ENGINE ?? "auto");
    const weights = model.net.parameters.bytes / 2 ** 20;
    const limit = 1.15 * (weights + 300);
    console.log(`${label.engine}, ${label.threads} threads: loaded in ${seconds(begun)} s; peak ${peak().toFixed(0)} MiB (an empty process ${empty.toFixed(0)}), weights at rest ${weights.toFixed(0)} MiB; allowed ${limit.toFixed(0)} MiB`); // biome-ignore format: one thought
    begun = performance.now();
    const { sample } = model.forward(inputs);
    const finite = sample.dataSync().every(Number.isFinite);
    console.log(`one forward pass at 64×64 latents, batch ${batch}: ${seconds(begun)} s, ${finite ? "all finite" : "NOT FINITE"}; peak ${peak().toFixed(0)} MiB`); // biome-ignore format: one thought
  } finally {
    if (made) rmSync(place, { recursive: true });
  }
}
