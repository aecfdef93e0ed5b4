// What several processes bring, and what their messages cost.    npm run bench:ranks -w @etalon/trainers [-- --rounds 3 --epochs 8 --presets tiny-ddpo,tiny-mixgrpo --write FILE]
// 1. Seconds of an iteration of one global batch: one rank, and two, a thread and a processor each, in turn; and two runs of one rank beside each other that share nothing: what two processors of this machine
//    give at most. Medians and ratios in one run; the ratios of the least, too, where others use the machine. "waits" is what a rank's event loop stands idle, for the other rank's messages as a rule; what is
//    neither that nor CPU went to others on the machine.
// 2. Seconds of an allreduce between two ranks on this machine, by shared memory and by TCP over the loopback device, and the α and β of 2 (N − 1) α + 2 (N − 1)/N · bytes · β that fit best.
// 3. Seconds of AdamW's step a value, which every rank makes in full.
//    --write puts 2 and 3 into a file that examples/cluster/plan.js reads.
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";

const { values: given } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    epochs: { type: "string", default: "8" },
    presets: { type: "string", default: "tiny-ddpo,tiny-mixgrpo" },
    write: { type: "string" },
    one: { type: "string" }, // what a process of its own does: iteration:PRESET, messages, optimiser
  },
});
const [epochs, rounds] = [Number(given.epochs), Number(given.rounds)];
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** In a rank: the median seconds from one epoch's end to the next, and of its parts, without the first two. */
async function iteration(preset) {
  const { engine } = await import("@etalon/engine");
  const { openCommunicator, openRun, parseTrainConfig, trainPreset } = await import("@etalon/trainers");
  const communicator = await openCommunicator();
  const { threads } = await engine("native");
  const config = parseTrainConfig(trainPreset(preset).config, [`train.epochs=${epochs + 2}`]);
  const trainer = await openRun({ config, communicator });
  const [ends, parts, cpu, idle] = [[], [], [], []];
  for await (const { seconds } of trainer) {
    ends.push(performance.now() / 1000);
    parts.push(seconds);
    cpu.push(process.cpuUsage());
    idle.push(performance.eventLoopUtilization().idle / 1000);
  }
  await trainer.close();
  const { rank, size } = communicator;
  const waits = Float64Array.of((idle.at(-1) - idle[1]) / epochs / size);
  await communicator.allreduce(waits); // a mean over the ranks: they wait for each other in turn
  await communicator.close();
  const part = (name) => median(parts.slice(2).map((seconds) => seconds[name]));
  const spans = ends.slice(2).map((end, i) => end - ends[i + 1]);
  const used = (cpu.at(-1).user + cpu.at(-1).system - cpu[1].user - cpu[1].system) / 1e6 / epochs;
  if (rank === 0) tell({ size, threads, total: median(spans), least: Math.min(...spans), cpu: used, waits: waits[0], rollout: part("rollout"), reward: part("reward"), update: part("update") }); // biome-ignore format: one thought
}

/** In a rank: the median seconds of an allreduce, by its bytes. */
async function messages() {
  const { openCommunicator } = await import("@etalon/trainers");
  const communicator = await openCommunicator();
  const rows = [];
  for (let bytes = 1024; bytes <= 2 ** 26; bytes *= 4) {
    const values = new Float32Array(bytes / 4);
    const repeats = Math.max(9, Math.min(401, Math.floor(2e8 / bytes)));
    const times = [];
    for (let i = 0; i < repeats + 5; i++) {
      await communicator.barrier();
      const start = performance.now();
      await communicator.allreduce(values);
      times.push((performance.now() - start) / 1000);
    }
    rows.push({ bytes, seconds: median(times.slice(5)) });
  }
  const { rank } = communicator;
  await communicator.close();
  if (rank === 0) tell(rows);
}

/** The least seconds of AdamW's step, a value of 16 million. */
async function optimiser() {
  const { AdamW, engine, tf } = await import("@etalon/engine");
  await engine("native");
  const size = 2 ** 24;
  const variable = tf.variable(tf.zeros([size]), true, "w");
  const adam = new AdamW(new Map([["w", variable]]), { learningRate: 1e-6 });
  const gradient = tf.fill([size], 1e-3);
  const times = Array.from({ length: 9 }, () => {
    const start = performance.now();
    adam.step({ w: gradient });
    return (performance.now() - start) / 1000;
  });
  tell(Math.min(...times) / size);
}

const tell = (answer) => process.stdout.write(JSON.stringify(answer));

/** @param where  options of mpirun    @returns what the first rank tells */
async function mpirun(ranks, one, where = []) {
  const env = {
    ...process.env,
    ETALON_NUM_THREADS: "1",
    OMPI_ALLOW_RUN_AS_ROOT: "1",
    OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1",
    OMPI_MCA_btl_base_warn_component_unused: "0",
  };
  const args = ["-n", String(ranks), ...where, process.execPath, fileURLToPath(import.meta.url), "--one", one, "--epochs", String(epochs)]; // biome-ignore format: one thought
  const { stdout } = await promisify(execFile)("mpirun", args, { env });
  return JSON.parse(stdout);
}

/** α and β by least squares of relative errors: seconds = 2 α + bytes · β between two ranks. */
function fit(rows) {
  let [a11, a12, a22, b1, b2] = [0, 0, 0, 0, 0];
  for (const { bytes, seconds } of rows) {
    const [x, y] = [2 / seconds, bytes / seconds];
    [a11, a12, a22, b1, b2] = [a11 + x * x, a12 + x * y, a22 + y * y, b1 + x, b2 + y];
  }
  const det = a11 * a22 - a12 * a12;
  return { alpha: (b1 * a22 - b2 * a12) / det, beta: (a11 * b2 - a12 * b1) / det };
}

/** What is timed: a name, and its rows of one round. */
const contenders = (what) => ({
  "1 rank": async () => [await mpirun(1, what)],
  "2 ranks": async () => [await mpirun(2, what)],
  "2 apart": () => Promise.all(["0", "1"].map((processor) => mpirun(1, what, ["--cpu-set", processor, "--bind-to", "core"]))), // biome-ignore format: one thought
});

async function compareIterations(preset) {
  const all = contenders(`iteration:${preset}`);
  const results = Object.fromEntries(Object.keys(all).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++)
    for (const [name, run] of Object.entries(all)) results[name].push(...(await run()));
  const of = (name, part) => median(results[name].map((row) => row[part]));
  const least = (name) => Math.min(...results[name].map((row) => row.least));
  console.log(`\n${preset}: seconds of an iteration, a thread each`);
  for (const name of Object.keys(results)) {
    const work = name === "2 apart" ? 2 : 1;
    const [ratio, best] = [(work * of("1 rank", "total")) / of(name, "total"), (work * least("1 rank")) / least(name)];
    const parts = ["rollout", "reward", "update", "cpu", "waits"].map((part) => `${part} ${of(name, part).toFixed(3)}`);
    console.log(`${name} ${of(name, "total").toFixed(3)} (${ratio.toFixed(2)}×), the least ${least(name).toFixed(3)} (${best.toFixed(2)}×)   ${parts.join("   ")}`); // biome-ignore format: one thought
  }
  return Object.fromEntries(["rollout", "reward", "update"].map((part) => [part, of("1 rank", part)]));
}

async function measureLinks() {
  const links = {};
  for (const [name, where] of [
    ["shared memory", []],
    ["loopback", ["--mca", "btl", "tcp,self", "--mca", "btl_tcp_if_include", "lo"]],
  ]) {
    // biome-ignore format: one thought
    const rows = await mpirun(2, "messages", where);
    const { alpha, beta } = fit(rows);
    links[name] = { alpha, beta };
    console.log(`\nallreduce between 2 ranks by ${name}: α ${(alpha * 1e6).toFixed(0)} µs, β ${(beta * 1e9).toFixed(3)} ns a byte (${(1e-9 / beta).toFixed(2)} GB/s)`); // biome-ignore format: one thought
    for (const { bytes, seconds } of rows) console.log(`${String(bytes).padStart(9)} bytes ${(1e6 * seconds).toFixed(0).padStart(8)} µs, the fit ${(1e6 * (2 * alpha + bytes * beta)).toFixed(0).padStart(8)}`); // biome-ignore format: one thought
  }
  return links;
}

if (given.one === "messages") await messages();
else if (given.one === "optimiser") await optimiser();
else if (given.one) await iteration(given.one.split(":")[1]);
else {
  const machine = `${cpus()[0].model}, ${cpus().length} processors, Node ${process.versions.node}`;
  console.log(`${machine}; medians of ${rounds} runs of ${epochs} iterations`);
  const presets = given.presets.split(",");
  const iterations = {};
  for (const preset of presets) iterations[preset] = await compareIterations(preset);
  const links = await measureLinks();
  const adamW = await mpirun(1, "optimiser");
  console.log(`\nAdamW: ${(1e9 * adamW).toFixed(2)} ns a value`);
  const { [presets[0]]: iteration } = iterations;
  if (given.write) writeFileSync(given.write, `${JSON.stringify({ machine, links, adamW, preset: presets[0], iteration }, null, 2)}\n`); // biome-ignore format: one thought
}
