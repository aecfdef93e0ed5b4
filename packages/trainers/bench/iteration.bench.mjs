// Seconds of an iteration of DDPO and MixGRPO on the tiny default (rollout, reward, update), on the engines found here, beside the same algorithms, sizes and threads in
// torch; and what everything but the model costs: the same iteration with an identity in the model's place. Each contender in processes of its own, interleaved;
// medians, and ratios in one run.    npm run bench -w @etalon/trainers [-- --rounds 3 --epochs 4 --engines native,wasm,tfjs-node --presets tiny-ddpo,tiny-mixgrpo]
// ETALON_BENCH_PYTHON names a Python with torch, safetensors and Pillow
import { execFileSync } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const { values: given } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    epochs: { type: "string", default: "4" },
    engines: { type: "string", default: "native,wasm,tfjs-node" },
    presets: { type: "string", default: "tiny-ddpo,tiny-mixgrpo" },
    one: { type: "string" }, // what a process of its own times: engine:preset, or engine:preset:identity
  },
});
const [epochs, rounds] = [Number(given.epochs), Number(given.rounds)];
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** One process: the median seconds of an iteration's parts, without the first. */
async function timeRun(engineName, preset, identity) {
  const { engine } = await import("@etalon/engine");
  const { loadPipeline } = await import("@etalon/models");
  const { modelPasses, openRun, parseTrainConfig, trainPreset } = await import("@etalon/trainers");
  const { version, threads } = await engine(engineName);
  const tiny = await loadPipeline("tiny");
  const bias = "^proj_out\\.bias$";
  const config = parseTrainConfig(trainPreset(preset).config, [
    `train.epochs=${epochs + 1}`,
    ...(identity ? [`train.parameters=${bias}`] : []),
  ]);
  const pipeline = identity ? withoutModel(tiny, tiny.model.parameters(new RegExp(bias))) : tiny;
  const trainer = await openRun({ config, pipeline });
  const parts = [];
  for await (const { seconds } of trainer) parts.push(seconds);
  await trainer.close();
  const { rollout, training, reference } = modelPasses(config, pipeline.path, 0);
  const part = (name) => median(parts.slice(1).map((seconds) => seconds[name]));
  return {
    engine: `${engineName} ${version}`,
    threads,
    passes: `${rollout + training + reference} passes forward and ${training} back an image`,
    rollout: part("rollout"),
    reward: part("reward"),
    update: part("update"),
  };
}

/** The pipeline with o = x for a model, which has one bias that gets a gradient of 0. */
function withoutModel(pipeline, variables) {
  const [bias] = variables.values();
  const denoise = (x) => x;
  return Object.assign(Object.create(pipeline), {
    predict: (x) => x.add(bias.mean().mul(0)),
    denoiser: () => Object.assign(denoise, { dispose: () => {} }),
  });
}

function runAll(contenders) {
  const results = new Map();
  for (let round = 0; round < rounds; round++) {
    for (const [label, command, args, env] of contenders) {
      try {
        const options = { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], env: { ...process.env, ...env } };
        const row = JSON.parse(execFileSync(command, args, options));
        results.set(label, [...(results.get(label) ?? []), row]);
      } catch {
        if (round === 0) console.log(`left out, not found here: ${label}`);
      }
    }
  }
  return results;
}

if (given.one) {
  const [name, preset, identity] = given.one.split(":");
  process.stdout.write(JSON.stringify(await timeRun(name, preset, identity === "identity")));
} else {
  const python = process.env.ETALON_BENCH_PYTHON;
  console.log(
    `${cpus()[0].model}, ${cpus().length} processors, Node ${process.versions.node}; seconds, medians of ${rounds} processes of ${epochs} iterations`,
  );
  for (const preset of given.presets.split(",")) {
    const own = (label, threads, ...what) => [
      label,
      process.execPath,
      [here("iteration.bench.mjs"), "--one", what.join(":"), "--epochs", String(epochs)],
      { ETALON_NUM_THREADS: String(threads) },
    ];
    const threadsOf = { native: [1, 2], wasm: [1], "tfjs-node": [cpus().length] };
    const peer = (threads) => [
      `torch, ${threads} thr`,
      python,
      [
        here("peers/iteration_torch.py"),
        here("../../models/assets/tiny"),
        "--preset",
        preset,
        "--threads",
        String(threads),
        "--epochs",
        String(epochs),
      ],
      {},
    ];
    const results = runAll([
      ...given.engines
        .split(",")
        .flatMap((name) => threadsOf[name].map((threads) => own(`${name}, ${threads} thr`, threads, name, preset))),
      own("no model, 1 thr", 1, "native", preset, "identity"),
      own("no model, 2 thr", 2, "native", preset, "identity"),
      ...(python ? [peer(1), peer(2)] : []),
    ]);
    const middle = (rows, of) => median(rows.map(of));
    const sum = ({ rollout, reward, update }) => rollout + reward + update;
    console.log(`\n${preset}: ${results.values().next().value?.[0].passes ?? "nothing ran"}`);
    for (const [label, rows] of results) {
      const parts = ["rollout", "reward", "update"].map(
        (name) => `${name} ${middle(rows, (row) => row[name]).toFixed(3)}`,
      );
      const threads = label.replace(/^.*,/, "");
      const over = (other) => results.has(other) && middle(rows, sum) / middle(results.get(other), sum);
      const [torch, native] = [over(`torch,${threads}`), over(`native,${threads}`)];
      const share = label.startsWith("no model") && native ? ` (${(100 * native).toFixed(1)} % of native's)` : "";
      const ratio = torch && !share ? ` (${torch.toFixed(2)}× torch)` : share;
      console.log(`${label.padEnd(16)} ${middle(rows, sum).toFixed(3)}${ratio}   ${parts.join("   ")}`);
    }
  }
}
