// Seconds of a forward pass and of an update of the tiny default, on the engines found here and, where ETALON_BENCH_PYTHON names a Python with torch and safetensors, in
// torch, each in a process of its own, interleaved; medians, and ratios in one run.    npm run bench -w @etalon/models
import { execFileSync } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const [batch, repeats, rounds] = [32, 5, 3];

async function timeEngine(name) {
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
    call();
    const times = Array.from({ length: repeats }, () => {
      const begun = performance.now();
      call();
      return (performance.now() - begun) / 1000;
    });
    return times.sort((a, b) => a - b)[repeats >> 1];
  };
  return { engine: `${name} ${version}`, threads, batch, forward: timed(forward), update: timed(update) };
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

if (process.argv[2]) {
  process.stdout.write(JSON.stringify(await timeEngine(process.argv[2])));
} else {
  const engines = ["native", "wasm", "tfjs-node"].map((name) => () => [
    process.execPath,
    [here("tiny.bench.mjs"), name],
  ]);
  const python = process.env.ETALON_BENCH_PYTHON;
  const peer = [
    here("peers/tiny_torch.py"),
    here("../assets/tiny"),
    "--batch",
    String(batch),
    "--repeats",
    String(repeats),
  ];
  const peers = python ? [1, 2].map((threads) => () => [python, [...peer, "--threads", String(threads)]]) : [];
  const results = new Map();
  for (let round = 0; round < rounds; round++) {
    for (const command of [...engines, ...peers]) {
      try {
        const row = JSON.parse(execFileSync(...command(), { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
        const key = `${row.engine}, ${row.threads} thr`;
        results.set(key, [...(results.get(key) ?? []), row]);
      } catch {
        if (round === 0) console.log(`left out, not found here: ${command()[1].slice(-1)[0]}`);
      }
    }
  }
  console.log(
    `tiny, batch ${batch}, ${cpus()[0].model}, ${cpus().length} processors, Node ${process.versions.node}; median of ${rounds} processes`,
  );
  const rows = [...results].map(([key, list]) => [
    key,
    median(list.map((r) => r.forward)),
    median(list.map((r) => r.update)),
  ]);
  const base = rows.find(([key]) => key.startsWith("torch")) ?? rows[0];
  for (const [key, forward, update] of rows) {
    console.log(
      `${key.padEnd(28)} forward ${(1000 * forward).toFixed(1).padStart(7)} ms (${(forward / base[1]).toFixed(2)}×)   update ${(1000 * update).toFixed(1).padStart(7)} ms (${(update / base[2]).toFixed(2)}×)   ${((1000 * forward) / batch).toFixed(2)} ms an image and step`,
    );
  }
}
