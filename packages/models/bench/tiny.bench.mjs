// Seconds of a forward pass and of an update of the tiny default, at batch 16 and 32 with 1 and 2 threads, and the most memory that the process held, on the engines found here
// and, where ETALON_BENCH_PYTHON names a Python with torch and safetensors, in torch, each in a process of its own, interleaved; medians, and ratios in one run to torch on as
// many threads.    npm run bench -w @etalon/models [-- --engines native --batches 16,32 --rounds 5]
import { execFileSync } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const { values: given } = parseArgs({
  options: {
    engines: { type: "string", default: "native,wasm,tfjs-node" },
    batches: { type: "string", default: "16,32" },
    rounds: { type: "string", default: "3" },
    repeats: { type: "string", default: "7" },
    one: { type: "string" }, // what a process of its own times: engine:batch
  },
});
const [rounds, repeats] = [Number(given.rounds), Number(given.repeats)];
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

async function timeEngine(name, batch) {
  const { engine, tf, AdamW } = await import("@etalon/engine");
  const { loadPipeline } = await import("@etalon/models");
  const { version, threads } = await engine(name);
  const pipeline = await loadPipeline("tiny");
  const variables = pipeline.model.parameters("all");
  const optimiser = new AdamW(variables, { learningRate: 1e-6 });
  const conditioning = pipeline.encodePrompts(Array.from({ length: batch }, () => "red heart"));
  const x = tf.randomNormal([batch, ...pipeline.latentShape()], 0, 1, "float32", 0);
  const forward = () => {
    const y = tf.tidy(() => pipeline.predict(x, 0.5, conditioning));
    y.dataSync(); // outside: tidy searches what it is given for tensors, element by element
    y.dispose();
  };
  const update = () => {
    const { value, grads } = tf.variableGrads(
      () => pipeline.predict(x, 0.5, conditioning).square().mean().asScalar(),
      [...variables.values()],
    );
    const named = Object.fromEntries([...variables].map(([key, variable]) => [key, grads[variable.name]]));
    optimiser.step(named);
    value.dataSync();
    tf.dispose([value, ...Object.values(grads)]);
  };
  const timed = (call) => {
    for (let i = 0; i < 2; i++) call();
    const times = Array.from({ length: repeats }, () => {
      const begun = performance.now();
      call();
      return (performance.now() - begun) / 1000;
    });
    return median(times);
  };
  const times = { forward: timed(forward), update: timed(update) };
  const memory = process.resourceUsage().maxRSS / 1024; // kB, by getrusage
  return { engine: `${name} ${version}`, threads, ...times, memory };
}

/** A row a contender: label, command, arguments, environment. */
function contendersOf(batch) {
  const own = (name, threads) => [
    `${name}, ${threads} thr`,
    process.execPath,
    [here("tiny.bench.mjs"), "--one", `${name}:${batch}`, "--repeats", String(repeats)],
    { ETALON_NUM_THREADS: String(threads) },
  ];
  const peer = (threads) => [
    `torch, ${threads} thr`,
    process.env.ETALON_BENCH_PYTHON,
    [here("peers/tiny_torch.py"), here("../assets/tiny"), "--batch", String(batch), "--repeats", String(repeats), "--threads", String(threads)], // biome-ignore format: a command
    {},
  ];
  const threadsOf = { native: [1, 2], wasm: [1], "tfjs-node": [cpus().length] };
  const engines = given.engines.split(",").flatMap((name) => threadsOf[name].map((threads) => own(name, threads)));
  return process.env.ETALON_BENCH_PYTHON ? [peer(1), ...engines, peer(2)] : engines;
}

function measure(contenders) {
  const results = new Map(contenders.map(([label]) => [label, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [label, command, args, env] of contenders) {
      try {
        const options = { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], env: { ...process.env, ...env } };
        results.get(label).push(JSON.parse(execFileSync(command, args, options)));
      } catch {
        if (round === 0) console.log(`left out, not found here: ${label}`);
      }
    }
  }
  return new Map([...results].filter(([, rows]) => rows.length > 0));
}

if (given.one) {
  const [name, batch] = given.one.split(":");
  process.stdout.write(JSON.stringify(await timeEngine(name, Number(batch))));
} else {
  console.log(`tiny, ${cpus()[0].model}, ${cpus().length} processors, Node ${process.versions.node}; medians of ${rounds} processes of ${repeats}; × torch on as many threads`); // biome-ignore format: one thought
  for (const batch of given.batches.split(",")) {
    const results = measure(contendersOf(Number(batch)));
    const middle = (rows, key) => median(rows.map((row) => row[key]));
    console.log(`batch ${batch}`);
    for (const [label, rows] of results) {
      const base = results.get(label.replace(/^.*,/, "torch,")) ?? results.get("torch, 1 thr");
      const show = (key, scale, unit) => {
        const value = middle(rows, key);
        const ratio = base ? ` (${(value / middle(base, key)).toFixed(2)}×)` : "";
        return `${(scale * value).toFixed(1).padStart(7)} ${unit}${ratio}`;
      };
      console.log(`  ${label.padEnd(18)} forward ${show("forward", 1000, "ms")}   update ${show("update", 1000, "ms")}   memory ${show("memory", 1, "MiB")}`); // biome-ignore format: one thought
    }
  }
}
