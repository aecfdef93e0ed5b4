// How much of a training step and of a forward pass of the tiny default goes by outside of the addon, in JavaScript: a clock around every function of the addon, no profiler. Medians.
//   npm run bench:share -w @etalon/models [-- --batches 16,32 --repeats 60]        ETALON_NUM_THREADS=1 for one thread
import { createRequire } from "node:module";
import { parseArgs } from "node:util";

const { values: given } = parseArgs({
  options: { batches: { type: "string", default: "16,32" }, repeats: { type: "string", default: "60" } },
});
const addon = createRequire(import.meta.url)("../../../native/build/Release/etalon.node"); // this process's only one
const clock = { inside: 0, calls: 0 };
for (const functions of [addon.heavy, addon.light]) {
  for (const [name, call] of Object.entries(functions)) {
    functions[name] = (...args) => {
      const begun = performance.now();
      try {
        return call(...args);
      } finally {
        clock.inside += performance.now() - begun;
        clock.calls++;
      }
    };
  }
}
const { engine, tf, AdamW, variableGradients } = await import("@etalon/engine");
const { loadPipeline } = await import("@etalon/models");

const { name, version, threads } = await engine("native");
const pipeline = await loadPipeline("tiny");
const variables = pipeline.model.parameters("all");
const optimiser = new AdamW(variables, { learningRate: 1e-6 });
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** A loss whose gradient for the output is given, as an update of the policy gives it. */
const seeded = (output, gradient) =>
  tf.customGrad((_output) => ({ value: tf.scalar(0), gradFunc: () => gradient.clone() }))(output);

function step(x, conditioning) {
  const loss = () => seeded(pipeline.predict(x, 0.5, conditioning), x);
  const { value, gradients } = variableGradients(loss, variables);
  optimiser.step(gradients);
  tf.dispose([value, gradients]);
}

/** Medians of a call's milliseconds, those outside of the addon, and its calls of the addon. */
function measure(call) {
  for (let i = 0; i < 40; i++) call(); // until V8 has compiled it all
  const runs = Array.from({ length: Number(given.repeats) }, () => {
    Object.assign(clock, { inside: 0, calls: 0 });
    const begun = performance.now();
    call();
    const ms = performance.now() - begun;
    return { ms, outside: ms - clock.inside, calls: clock.calls };
  });
  const of = (key) => median(runs.map((run) => run[key]));
  return { ms: +of("ms").toFixed(2), outside: +of("outside").toFixed(2), "%": +(100 * of("outside") / of("ms")).toFixed(1), calls: of("calls") }; // biome-ignore format: one thought
}

const rows = {};
for (const batch of given.batches.split(",").map(Number)) {
  const conditioning = pipeline.encodePrompts(Array(batch).fill("red heart"));
  const x = tf.randomNormal([batch, ...pipeline.latentShape()], 0, 1, "float32", 0);
  rows[`step, batch ${batch}`] = measure(() => step(x, conditioning));
  rows[`forward, batch ${batch}`] = measure(() => tf.tidy(() => void pipeline.predict(x, 0.5, conditioning)));
}
console.log(`${name} ${version}, ${threads} thread${threads > 1 ? "s" : ""}, Node ${process.versions.node}`);
console.table(rows);
