// Seconds of an iteration of DDPO and MixGRPO on the tiny default (rollout, reward, update), on the engines found here, beside the same algorithms, sizes and threads in
// torch; and what everything but the models costs: the same iteration with an identity in the generator's place, and without the seconds of the reward's own network, in a process that has
// just begun and in one that V8 has compiled (30 iterations before). Each contender in processes of its own, interleaved; medians, and ratios in one run.    npm run bench -w @etalon/trainers [-- --rounds 3 --epochs 4 --engines native,wasm,tfjs-node --presets tiny-ddpo,tiny-mixgrpo]
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
    skip: { type: "string", default: "1" }, // iterations that it does not count
  },
});
const [epochs, rounds, skip] = [given.epochs, given.rounds, given.skip].map(Number);
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** One process: the median seconds of an iteration's parts, without the first ones. */
async function timeRun(engineName, preset, identity) {
  const { engine, tf } = await import("@etalon/engine");
  const { loadReward } = await import("@etalon/rewards");
  const { loadPipeline } = await import("@etalon/models");
  const { modelPasses, openRun, parseTrainConfig, trainPreset } = await import("@etalon/trainers");
  const { version, threads } = await engine(engineName);
  const tiny = await loadPipeline("tiny");
  const bias = "^proj_out\\.bias$";
  const config = parseTrainConfig(trainPreset(preset).config, [
    `train.epochs=${epochs + skip}`,
    ...(identity ? [`train.parameters=${bias}`] : []),
  ]);
  const pipeline = identity ? withoutModel(tf, tiny, tiny.model.parameters(new RegExp(bias))) : tiny;
  const reward = await loadReward(config.reward);
  const network = clockOfNetwork(tf.engine(), reward);
  const trainer = await openRun({ config, pipeline, reward });
  const parts = [];
  for await (const { seconds } of trainer) parts.push({ ...seconds, network: network() });
  await trainer.close();
  const { rollout, training, reference } = modelPasses(config, pipeline.path, 0);
  const part = (name) => median(parts.slice(skip).map((seconds) => seconds[name]));
  return {
    engine: `${engineName} ${version}`,
    threads,
    passes: `${rollout + training + reference} passes forward and ${training} back an image`,
    rollout: part("rollout"),
    reward: part("reward"),
    update: part("update"),
    network: part("network"),
  };
}

/** Seconds of a reward's own network since the last call: of all that it does with tensors, which is within `tf.tidy`. */
function clockOfNetwork(tfEngine, reward) {
  const { tidy } = tfEngine;
  let [inside, depth, seconds] = [false, 0, 0];
  tfEngine.tidy = (...given) => {
    const start = performance.now();
    depth += 1;
    try {
      return tidy.apply(tfEngine, given);
    } finally {
      depth -= 1;
      if (inside && depth === 0) seconds += (performance.now() - start) / 1000;
    }
  };
  const { score } = reward;
  reward.score = async (...given) => {
    inside = true;
    try {
      return await score.apply(reward, given);
    } finally {
      inside = false;
    }
  };
  return () => {
    const before = seconds;
    seconds = 0;
    return before;
  };
}

/** The pipeline with o = x for a model: one operation each way, which gives its one bias a gradient of 0. */
function withoutModel(tf, pipeline, variables) {
  const [bias] = variables.values();
  const identity = tf.customGrad((x) => ({
    value: x.clone(),
    gradFunc: (dy) => [dy.clone(), tf.zeros(bias.shape)],
  }));
  const denoise = (x) => x;
  return Object.assign(Object.create(pipeline), {
    predict: (x) => identity(x, bias),
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
    const own = (label, threads, what, before = skip) => [
      label,
      process.execPath,
      [here("iteration.bench.mjs"), "--one", what, "--epochs", String(epochs), "--skip", String(before)],
      { ETALON_NUM_THREADS: String(threads) },
    ];
    const withoutModels = (threads) => [
      own(`no model, ${threads} thr`, threads, `native:${preset}:identity`),
      own(`no model, warm, ${threads} thr`, threads, `native:${preset}:identity`, 30),
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
        .flatMap((name) =>
          threadsOf[name].map((threads) => own(`${name}, ${threads} thr`, threads, `${name}:${preset}`)),
        ),
      ...withoutModels(1),
      ...withoutModels(2),
      ...(python ? [peer(1), peer(2)] : []),
    ]);
    const middle = (rows, of) => median(rows.map(of));
    const sum = ({ rollout, reward, update }) => rollout + reward + update;
    console.log(`\n${preset}: ${results.values().next().value?.[0].passes ?? "nothing ran"}`);
    for (const [label, rows] of results) {
      const parts = ["rollout", "reward", "update", "network"].flatMap((name) => {
        const seconds = middle(rows, (row) => row[name] ?? 0); // the peer's reward has no network
        return name === "network" && seconds === 0
          ? []
          : `${name === "network" ? "the reward's network" : name} ${seconds.toFixed(3)}`;
      });
      const threads = label.replace(/^.*,/, "");
      const over = (other, of = sum) => results.has(other) && middle(rows, of) / middle(results.get(other), sum);
      const [torch, native] = [over(`torch,${threads}`), over(`native,${threads}`, (row) => sum(row) - row.network)];
      const share =
        label.startsWith("no model") && native
          ? ` (${(100 * native).toFixed(1)} % of native's, without the reward's network)`
          : "";
      const ratio = torch && !share ? ` (${torch.toFixed(2)}× torch)` : share;
      console.log(`${label.padEnd(21)} ${middle(rows, sum).toFixed(3)}${ratio}   ${parts.join("   ")}`);
    }
  }
}
