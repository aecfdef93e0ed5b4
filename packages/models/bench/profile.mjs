// Where each millisecond of a forward pass and of an update of the tiny default goes on the native engine: the addon's kernels by name, and what is left to JavaScript and
// TensorFlow.js. Every function of the addon that the backend calls is timed; they are synchronous, so the rest of the wall clock is JavaScript.
//   npm run build && node packages/models/bench/profile.mjs [--batch 32] [--repeats 15]         ETALON_NUM_THREADS sets the threads
import { parseArgs } from "node:util";
import { AdamW, engine, tf } from "@etalon/engine";
import { loadPipeline } from "@etalon/models";

const { values: given } = parseArgs({
  options: { batch: { type: "string", default: "32" }, repeats: { type: "string", default: "15" } },
});
const [batch, repeats] = [Number(given.batch), Number(given.repeats)];
const { name, version, threads } = await engine("native");
const pipeline = await loadPipeline("tiny");
const variables = pipeline.model.parameters("all");
const optimiser = new AdamW(variables, { learningRate: 1e-6 });
const conditioning = pipeline.encodePrompts(Array.from({ length: batch }, () => "red heart"));
const x = tf.randomNormal([batch, ...pipeline.latentShape()], 0, 1, "float32", 0);

const spent = new Map();
function timeCalls(kernels) {
  for (const [key, kernel] of Object.entries(kernels)) {
    if (typeof kernel !== "function") continue;
    kernels[key] = (...args) => {
      const begun = performance.now();
      const result = kernel(...args);
      const entry = spent.get(key) ?? { ms: 0, calls: 0 };
      spent.set(key, { ms: entry.ms + performance.now() - begun, calls: entry.calls + 1 });
      return result;
    };
  }
}

const passes = {
  forward() {
    const y = tf.tidy(() => pipeline.predict(x, 0.5, conditioning));
    y.dataSync(); // outside: tidy searches what it is given for tensors
    y.dispose();
  },
  update() {
    const loss = () => pipeline.predict(x, 0.5, conditioning).square().mean().asScalar();
    const { value, grads } = tf.variableGrads(loss, [...variables.values()]);
    optimiser.step(Object.fromEntries([...variables].map(([key, variable]) => [key, grads[variable.name]])));
    value.dataSync();
    tf.dispose([value, ...Object.values(grads)]);
  },
};

/** The run of median length: its wall clock, and the kernels within it. */
function profile(pass) {
  const runs = Array.from({ length: repeats }, () => {
    spent.clear();
    const begun = performance.now();
    pass();
    return { wall: performance.now() - begun, kernels: new Map(spent) };
  });
  return runs.sort((a, b) => a.wall - b.wall)[repeats >> 1];
}

for (const pass of Object.values(passes)) for (let i = 0; i < 10; i++) pass(); // compiled, and the pool filled
const { kernels, heavy } = tf.backend();
timeCalls(kernels);
timeCalls(heavy);
console.log(
  `tiny, batch ${batch}, ${name} ${version}, ${threads} threads, Node ${process.versions.node}; the run of median length of ${repeats}`,
);
for (const [label, pass] of Object.entries(passes)) {
  const { wall, kernels: within } = profile(pass);
  const rows = [...within].sort(([, a], [, b]) => b.ms - a.ms);
  const native = rows.reduce((sum, [, { ms }]) => sum + ms, 0);
  const line = (words, ms, calls) =>
    console.log(
      `  ${words.padEnd(22)} ${ms.toFixed(2).padStart(7)} ms ${((100 * ms) / wall).toFixed(1).padStart(5)} %  ${calls ?? ""}`,
    );
  console.log(`\n${label}: ${wall.toFixed(1)} ms`);
  for (const [key, { ms, calls }] of rows) line(key, ms, calls === 1 ? "1 call" : `${calls} calls`);
  line("JavaScript and tfjs", wall - native);
}
