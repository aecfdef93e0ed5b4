// The three functions on tensors of tfjs-node: the ops, against the typed arrays' way (out of TensorFlow and back) and plain tf operations: `npm run bench -w native`.
// ETALON_TFJS_NODE names a folder that has tfjs-node (without: skipped, said aloud). Contenders in turn; the best, and the median (quartiles).
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { join } from "node:path";
import util from "node:util";
import * as arrays from "@etalon/native";
import { rollout, way } from "@etalon/native/tfjs";

const folder = process.env.ETALON_TFJS_NODE;
if (folder === undefined) {
  console.log("tensors of tfjs-node: skipped, ETALON_TFJS_NODE names no folder with tfjs-node");
  process.exit(0);
}
util.isNullOrUndefined ??= (value) => value == null;
process.env.TF_CPP_MIN_LOG_LEVEL ??= "3";
const tf = createRequire(join(folder, "package.json"))("@tensorflow/tfjs-node");
if (way().name !== "ops") throw new Error(`no ops here: ${way().why}`);

const map = { a: 0.93, b: -0.21, std: 0.4 };
const sizes = [
  { batch: 1, dim: 64, repeats: 4000 },
  { batch: 16, dim: 16_384, repeats: 60 },
  { batch: 1, dim: 4 << 20, repeats: 15 },
];

const contenders = {
  /** The op. */
  "@etalon/native/tfjs": ({ x, cond, key }) => rollout({ x, cond, map, key }).next.dispose(),
  /** The same kernel on arrays that are there already, the result's too. */
  "@etalon/native, on arrays": ({ values, key, dim, out }) => arrays.rollout({ ...values, map, key, dim, out }),
  /** The same into a new array, as the op makes a new tensor: what the op adds to this is its overhead. */
  "@etalon/native, a new array": ({ values, key, dim }) => arrays.rollout({ ...values, map, key, dim }),
  /** What tfjs-node takes to call any op and to free its result. */
  "tf.add": ({ x, cond }) => tf.add(x, cond).dispose(),
  /** As without the op: out of TensorFlow's memory, and back. */
  "dataSync, arrays, tf.tensor": ({ x, cond, key, dim }) => {
    const { next } = arrays.rollout({ x: x.dataSync(), cond: cond.dataSync(), map, key, dim });
    tf.add(tf.tensor(next, x.shape), 0).dispose(); // the addition is what brings it into TensorFlow
  },
  /** The same in TensorFlow's own operations: mean, noise, next state; without the log-probability. */
  "tf operations": ({ x, cond }) =>
    tf
      .tidy(() =>
        tf.add(tf.add(tf.mul(x, map.a), tf.mul(cond, map.b)), tf.mul(tf.randomStandardNormal(x.shape), map.std)),
      )
      .dispose(),
};

const sorted = (values) => values.toSorted((a, b) => a - b);
const quantile = (values, q) => sorted(values)[Math.floor(q * (values.length - 1))];
const show = (ms) => (ms < 1 ? `${(1e3 * ms).toFixed(1)} µs` : `${ms.toFixed(2)} ms`);

console.log(
  `${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}, tfjs-node ${tf.version["tfjs-node"]}, target ${arrays.backend().name}`,
);
for (const { batch, dim, repeats } of sizes) {
  const [x, cond] = [tf.randomNormal([batch, dim]), tf.randomNormal([batch, dim])];
  const key = { seed: 1n, step: 1, samples: Uint32Array.from({ length: batch }, (_, i) => i) };
  const input = {
    x,
    cond,
    key,
    dim,
    values: { x: x.dataSync(), cond: cond.dataSync() },
    out: new Float32Array(batch * dim),
  };
  const times = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let i = 0; i < repeats; i++) {
    for (const [name, run] of Object.entries(contenders)) {
      const start = process.hrtime.bigint();
      tf.tidy(() => void run(input));
      if (i > repeats / 10) times[name].push(Number(process.hrtime.bigint() - start) / 1e6);
    }
  }
  console.log(`\nrollout, ${batch} × ${dim}`);
  for (const [name, all] of Object.entries(times)) {
    console.log(
      `  ${name.padEnd(30)} ${show(quantile(all, 0))}, ${show(quantile(all, 0.5))} (${show(quantile(all, 0.25))} – ${show(quantile(all, 0.75))})`,
    );
  }
  const best = (name) => quantile(times[name], 0);
  const over = (name) => show(best("@etalon/native/tfjs") - best(name));
  console.log(
    `  the best: the op adds ${over("@etalon/native, on arrays")} to arrays that are there, ${over("@etalon/native, a new array")} to a new one`,
  );
  tf.dispose([x, cond]);
}
