// What JavaScript costs an operation on the native engine: operations of a few elements, whose kernels take next to nothing, 20 in a row; forward alone, and forward and back on
// one tape. Microseconds an operation, the least of 60 runs.    node packages/engine/bench/overheads.mjs
import { cpus } from "node:os";
import { engine, gatedResidual, layerNormModulate, linear, multiHeadAttention, tf } from "@etalon/engine";

process.env.ETALON_NUM_THREADS ??= "1";
const { name, version } = await engine("native");
const row = 20;
const x = tf.zeros([1, 2, 4]);
const scale = tf.zeros([1, 1, 4]);
const [w, b, start] = [[4, 4], [4], [1, 1, 4]].map((shape) => tf.variable(tf.zeros(shape)));

/** Microseconds of `run` divided by `count`. */
function least(count, run) {
  for (let i = 0; i < 40; i++) run();
  let best = Number.POSITIVE_INFINITY;
  for (let k = 0; k < 60; k++) {
    const begun = performance.now();
    for (let i = 0; i < 4; i++) run();
    best = Math.min(best, (performance.now() - begun) / 4);
  }
  return ((1000 * best) / count).toFixed(1).padStart(6);
}

const forward = (operation) => () =>
  tf.tidy(() => {
    for (let i = 0; i < row; i++) operation(x);
  });

const back = (operation) => () => {
  const { value, grads } = tf.variableGrads(() => {
    let h = x.add(start);
    for (let i = 0; i < row; i++) h = operation(h);
    return h.sum();
  });
  tf.dispose([value, grads]);
};

const operations = {
  "tf.add": (h) => h.add(scale),
  "tf.concat and slice": (h) => tf.concat([h, h], 1).slice([0, 0, 0], [1, 2, 4]),
  linear: (h) => linear(h, w, b),
  "linear with silu": (h) => linear(h, w, b, "silu"),
  layerNormModulate: (h) => layerNormModulate(h, scale, scale),
  gatedResidual: (h) => gatedResidual(h, h, scale),
  multiHeadAttention: (h) => multiHeadAttention(h, h, h, 2),
};

console.log(
  `${cpus()[0].model}, Node ${process.versions.node}, ${name} ${version}; microseconds an operation, the least of 60`,
);
for (const [label, operation] of Object.entries(operations)) {
  console.log(
    `${label.padEnd(20)} forward ${least(row, forward(operation))}   and back ${least(row, back(operation))}`,
  );
}
