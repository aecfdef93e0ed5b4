// 100,000 updates (forward, gradient, clip and AdamW in one pass, averages) of a network with a block of each kind (model.mjs), and whether anything grows: tensors, the pool's
// bytes, the addon's, the JavaScript heap and the process (RSS), each read after a garbage collection. Exits with 1 on growth.
//   npm run build && npm run soak -w @etalon/engine [-- --updates 100000] [-- --engine native] [-- --leak]      --leak keeps a tensor an update, to show that growth is found
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { AdamW, clipFactor, Ema, engine, tf } from "@etalon/engine";
import { makeModel } from "./model.mjs";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");
const options = {
  updates: { type: "string", default: "100000" },
  engine: { type: "string", default: "auto" },
  leak: { type: "boolean", default: false },
};
const { values: given } = parseArgs({ options });
const updates = Number(given.updates);
if (!Number.isInteger(updates) || updates < 100)
  throw new Error(`--updates is ${given.updates}; allowed: a whole number ≥ 100.`);
const { name, threads } = await engine(given.engine);

const { variables, loss } = makeModel();
const optimiser = new AdamW(variables, { learningRate: 1e-4, weightDecay: 0.01 });
const average = new Ema(variables, 0.99);

const leaked = [];
function update() {
  const { value, grads } = tf.variableGrads(loss, [...variables.values()]);
  const gradients = Object.fromEntries([...variables].map(([key, { name: id }]) => [key, grads[id]]));
  optimiser.step(gradients, undefined, clipFactor(gradients, 0.5).factor);
  average.step(optimiser.steps);
  const now = value.dataSync()[0];
  tf.dispose([value, grads]);
  if (given.leak) leaked.push(tf.scalar(now));
  return now;
}

function reading(done) {
  collect();
  const { pool, kernels } = tf.backend(); // native has them
  return {
    done,
    tensors: tf.memory().numTensors,
    tensorBytes: tf.memory().numBytes,
    poolUsed: pool?.state.used ?? 0,
    poolFree: pool?.state.free ?? 0,
    addon: kernels?.allocated?.() ?? 0,
    heap: process.memoryUsage().heapUsed,
    rss: process.memoryUsage().rss,
  };
}

/** Bytes an update, by least squares. */
function slopeOf(readings, key) {
  const mean = (f) => readings.reduce((sum, r) => sum + f(r), 0) / readings.length;
  const [at, of] = [mean((r) => r.done), mean((r) => r[key])];
  return mean((r) => (r.done - at) * (r[key] - of)) / mean((r) => (r.done - at) ** 2);
}

const MiB = (bytes) => (bytes / 2 ** 20).toFixed(2).padStart(8);
console.log(`engine ${name}, ${threads} threads, ${updates} updates, Node ${process.versions.node}`);
console.log(" updates       loss  tensors  pool used, free (bytes)   heap MiB    RSS MiB   ms an update");
const first = update();
const readings = [];
let last = first;
for (let done = 1, begun = performance.now(), from = 1; done <= updates; done++) {
  last = update();
  if (done % Math.ceil(updates / 20) !== 0 && done !== updates) continue;
  const each = (performance.now() - begun) / (done - from + 1);
  const r = reading(done);
  readings.push(r);
  console.log(
    `${String(done).padStart(8)} ${last.toFixed(6).padStart(10)} ${String(r.tensors).padStart(8)} ${String(r.poolUsed).padStart(12)} ${String(r.poolFree).padStart(12)}   ${MiB(r.heap)}   ${MiB(r.rss)}   ${each.toFixed(3)}`,
  );
  [begun, from] = [performance.now(), done + 1];
}

// The first fifth warms up: code is compiled, size classes fill. From there what is counted must not move at all, and what is measured must not rise by more than its noise.
const settled = readings.slice(Math.floor(readings.length / 5));
const moved = ["tensors", "tensorBytes", "poolUsed", "poolFree", "addon"].filter((key) =>
  settled.some((r) => r[key] !== settled[0][key]),
);
const slopes = { heap: slopeOf(settled, "heap"), rss: slopeOf(settled, "rss") };
const most = { heap: 2 ** 20, rss: 8 * 2 ** 20 };
const rising = Object.keys(most).filter((key) => slopes[key] * updates > most[key]);
console.log(
  `loss ${first.toFixed(4)} → ${last.toFixed(4)}; slope an update: heap ${slopes.heap.toFixed(2)} bytes, RSS ${slopes.rss.toFixed(2)} bytes`,
);
for (const key of moved) console.log(`GROWTH: ${key} ${settled[0][key]} → ${settled.at(-1)[key]}`);
for (const key of rising)
  console.log(
    `GROWTH: ${key}, ${MiB(slopes[key] * updates).trim()} MiB over the run; allowed: ${MiB(most[key]).trim()}`,
  );
if (!(last < first)) console.log(`The loss does not fall: ${first} → ${last}`);
const failed = moved.length > 0 || rising.length > 0 || !(last < first);
console.log(failed ? "failed" : "no growth");
process.exitCode = failed ? 1 : 0;
