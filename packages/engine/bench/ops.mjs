// The operations at the tiny default's sizes (batch 16, 28 tokens, width 192), forward and backward, beside plain TensorFlow.js.
// usage: npm run build && npm run bench      (tfjs-node too where ETALON_TFJS_NODE names a folder that has it)      a process an engine
import { execFileSync } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import {
  AdamW,
  attention,
  clipGlobalNorm,
  engine,
  installedEngines,
  layerNormModulate,
  linear,
  tf,
} from "@etalon/engine";

const [, , name] = process.argv;
if (name === undefined) {
  console.log(
    `${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`,
  );
  for (const each of installedEngines()) {
    try {
      process.stdout.write(
        execFileSync(process.execPath, [fileURLToPath(import.meta.url), each], { stdio: ["ignore", "pipe", "ignore"] }),
      );
    } catch {
      console.log(`${each}: does not run here`);
    }
  }
} else {
  const { threads, version } = await engine(name);
  console.log(
    `\n${name} ${version}, ${threads} thread${threads > 1 ? "s" : ""}                    forward   forward + backward, CPU ms`,
  );
  const normal = (...shape) => tf.randomNormal(shape, 0, 0.1, "float32", 1);
  const [x, w, b] = [normal(16, 28, 192), normal(192, 768), normal(768)];
  const heads = [normal(16, 6, 28, 32), normal(16, 6, 28, 32), normal(16, 6, 28, 32)];
  const norm = [x, normal(16, 1, 192), normal(16, 1, 192)];
  const plainLinear = (x, w, b) =>
    tf
      .matMul(x.reshape([448, 192]), w)
      .add(b)
      .reshape([16, 28, 768]);
  const plainAttention = (q, k, v) => tf.matMul(tf.softmax(tf.matMul(q, k, false, true).mul(1 / Math.sqrt(32))), v);
  const plainNorm = (x, scale, shift) => {
    const { mean, variance } = tf.moments(x, -1, true);
    return x.sub(mean).div(variance.add(1e-6).sqrt()).mul(scale.add(1)).add(shift);
  };
  compare("linear [448, 192]·[192, 768] + b", [x, w, b], linear, plainLinear);
  compare(
    "linear with silu",
    [x, w, b],
    (...a) => linear(...a, "silu"),
    (...a) => silu(plainLinear(...a)),
  );
  compare(
    "linear with gelu",
    [x, w, b],
    (...a) => linear(...a, "gelu"),
    (...a) => gelu(plainLinear(...a)),
  );
  compare("attention [16, 6, 28, 32]", heads, attention, plainAttention);
  compare("layerNormModulate [16, 28, 192]", norm, layerNormModulate, plainNorm);

  // 3.4M parameters in 60 variables, as the tiny default has them.
  const variables = new Map(Array.from({ length: 60 }, (_, i) => [`v${i}`, tf.variable(normal(192, 294))]));
  const gradients = Object.fromEntries([...variables].map(([key]) => [key, normal(192, 294)]));
  const optimiser = new AdamW(variables, { learningRate: 1e-4 });
  const peer = tf.train.adam(1e-4);
  const named = [...variables].map(([key, variable]) => ({ name: variable.name, tensor: gradients[key] }));
  const done = () => variables.get("v59").dataSync();
  line(
    "AdamW, 3.4M values in 60 variables",
    time(() => [optimiser.step(gradients), done()]),
  );
  line(
    "  tf.train.adam",
    time(() => [peer.applyGradients(named), done()]),
  );
  line(
    "clipGlobalNorm of the same",
    time(() => tf.dispose(clipGlobalNorm(gradients, 1).gradients)),
  );
}

function silu(x) {
  return x.mul(x.sigmoid());
}

function gelu(x) {
  return x.mul(0.5).mul(x.mul(x).mul(x).mul(0.044715).add(x).mul(0.7978845608).tanh().add(1));
}

/** Checks that both agree, then times both. */
function compare(title, inputs, own, plain) {
  const worst = tf.tidy(
    () =>
      own(...inputs)
        .sub(plain(...inputs))
        .abs()
        .max()
        .dataSync()[0],
  );
  if (!(worst < 1e-4)) throw new Error(`${title}: ${worst} apart`);
  for (const [label, f] of [
    [title, own],
    ["  plain TensorFlow.js", plain],
  ]) {
    const forward = time(() => tf.tidy(() => void f(...inputs).dataSync()));
    const gradients = tf.grads(f);
    const both = time(() =>
      tf.tidy(() => {
        for (const gradient of gradients(inputs)) gradient.dataSync(); // a tidy that returned the data would search it for tensors
      }),
    );
    line(label, forward, both);
  }
}

function line(label, ...times) {
  console.log(`${label.padEnd(44)}${times.map((ms) => ms.toFixed(2).padStart(10)).join("  ")}`);
}

/** CPU milliseconds a call, over all of the process's threads: what other processes take does not count. Median of 5 rounds of 4. */
function time(f) {
  for (let i = 0; i < 3; i++) f();
  const rounds = Array.from({ length: 5 }, () => {
    const start = process.cpuUsage();
    for (let i = 0; i < 4; i++) f();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 4000;
  });
  return rounds.sort((a, b) => a - b)[2];
}
