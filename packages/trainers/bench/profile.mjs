// Where the time of a training step of the tiny default and of an iteration of DDPO goes on the native engine, by V8's sampling profiler: kernels by name, JavaScript by package.
//   npm run profile -w @etalon/trainers            prints docs/profile.md's tables; `-- --write` puts them there     ETALON_NUM_THREADS: default 1
import { readFileSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

process.env.ETALON_NUM_THREADS ??= "1";
const { AdamW, engine, tf } = await import("@etalon/engine");
const { loadPipeline } = await import("@etalon/models");
const { openRun, parseTrainConfig, trainPreset } = await import("@etalon/trainers");
const { values: given } = parseArgs({
  options: {
    write: { type: "boolean", default: false },
    batch: { type: "string", default: "16" },
    steps: { type: "string", default: "40" },
    iterations: { type: "string", default: "4" },
  },
});
const session = new Session();
const { name, version, threads } = await engine("native");

/** The profile of a function's run: for each sample its milliseconds and its stack, the innermost frame first. */
async function profiled(run) {
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: 100 });
  await session.post("Profiler.start");
  await run();
  const { profile } = await session.post("Profiler.stop");
  session.disconnect();
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const stacks = new Map();
  const stackOf = (id) => {
    if (id === undefined) return [];
    if (!stacks.has(id)) stacks.set(id, [nodes.get(id).callFrame, ...stackOf(parents.get(id))]);
    return stacks.get(id);
  };
  return profile.samples.map((id, i) => ({ ms: profile.timeDeltas[i] / 1000, stack: stackOf(id) }));
}

/** Light kernels are the addon's own functions, which a profile does not name: it gets a function of the same name around each. */
function nameKernels() {
  const { kernels } = tf.backend();
  for (const [key, run] of Object.entries(kernels)) {
    const body = `return function ${key}(...args) { return run(...args); };\n//# sourceURL=${import.meta.url}`;
    if (typeof run === "function") kernels[key] = new Function("run", body)(run);
  }
}

const rooms = { engine: "engine", models: "models", trainers: "trainers", gddim: "gddim", rewards: "rewards", errors: "checks of arguments" }; // biome-ignore format: one thought

/** Whose a sample is: a kernel of the addon (the outermost frame inside @etalon/native names it), or JavaScript of some package. */
function ownerOf(stack) {
  if (stack[0].functionName === "(garbage collector)") return { javascript: "garbage collection" };
  if (stack[0].functionName === "(idle)") return { kernel: "waiting" };
  const own = stack.slice(stack.findIndex(({ url }) => url !== "")); // functions of C++ have no address: they count as their callers
  const [frame] = own;
  if (frame === undefined || frame.url === "") return { javascript: "Node and V8" };
  if (frame.url.endsWith("bench/profile.mjs"))
    return frame.functionName in tf.backend().kernels ? { kernel: frame.functionName } : { javascript: "this bench" };
  const inside = own.findIndex(({ url }) => !/\/native\/dist\//.test(url));
  if (inside > 0) return { kernel: own.slice(0, inside).findLast(({ functionName }) => functionName)?.functionName };
  if (/@tensorflow/.test(frame.url)) return { javascript: "TensorFlow.js" };
  const room = frame.url.match(/packages\/(\w+)\/dist/)?.[1];
  return { javascript: (room && rooms[room]) ?? "Node and V8" };
}

/** What an iteration is doing: the innermost of these that is on the stack. */
function phaseOf(stack) {
  for (const { functionName, url } of stack) {
    if (functionName.endsWith("backpropagateGradients")) return "the model, back";
    if (functionName === "forward" && /models\/dist/.test(url)) return "the model, forward";
    if (/^(step|clipGlobalNorm|addGradients)$/.test(functionName) && /(engine|trainers)\/dist/.test(url))
      return "gradients added up, cut; AdamW";
    if (functionName === "jpegSize") return "the reward: JPEG";
  }
  return "everything else";
}

function sums(samples, keyOf) {
  const found = new Map();
  for (const { ms, stack } of samples) found.set(keyOf(stack), (found.get(keyOf(stack)) ?? 0) + ms);
  return [...found].sort((a, b) => b[1] - a[1]);
}

function table(head, rows, total, runs, least = 0.002) {
  const line = ([label, ms]) => `| ${label} | ${(ms / runs).toFixed(2)} | ${((100 * ms) / total).toFixed(1)} % |`;
  const [shown, small] = [rows.filter(([, ms]) => ms >= least * total), rows.filter(([, ms]) => ms < least * total)];
  const rest = small.reduce((sum, [, ms]) => sum + ms, 0);
  return [
    `| ${head} | ms | share |`,
    "|---|---|---|",
    ...shown.map(line),
    ...(small.length > 0 ? [line([`${small.length} more`, rest])] : []),
  ].join("\n");
}

function report(title, samples, runs, more = []) {
  const total = samples.reduce((sum, { ms }) => sum + ms, 0);
  const owned = samples.map((sample) => ({ ...sample, owner: ownerOf(sample.stack) }));
  const [kernels, javascript] = ["kernel", "javascript"].map((kind) =>
    sums(
      owned.filter(({ owner }) => owner[kind] !== undefined),
      (stack) => ownerOf(stack)[kind],
    ),
  );
  const scripts = javascript.reduce((sum, [, ms]) => sum + ms, 0);
  return [
    `## ${title}: ${(total / runs).toFixed(1)} ms, JavaScript ${((100 * scripts) / total).toFixed(1)} %`,
    ...more.map(({ head, keyOf }) => table(head, sums(samples, keyOf), total, runs)),
    table("kernel", kernels, total, runs),
    table("JavaScript", javascript, total, runs),
  ].join("\n\n");
}

async function trainingStep(batch, steps) {
  const pipeline = await loadPipeline("tiny");
  const variables = pipeline.model.parameters("all");
  const optimiser = new AdamW(variables, { learningRate: 1e-6 });
  const conditioning = pipeline.encodePrompts(Array(batch).fill("red heart"));
  const x = tf.randomNormal([batch, ...pipeline.latentShape()], 0, 1, "float32", 0);
  const update = () => {
    const { value, grads } = tf.variableGrads(
      () => pipeline.predict(x, 0.5, conditioning).square().mean().asScalar(),
      [...variables.values()],
    );
    optimiser.step(Object.fromEntries([...variables].map(([key, variable]) => [key, grads[variable.name]])));
    value.dataSync();
    tf.dispose([value, ...Object.values(grads)]);
  };
  for (let i = 0; i < 10; i++) update();
  const samples = await profiled(() => {
    for (let i = 0; i < steps; i++) update();
  });
  conditioning.dispose();
  optimiser.dispose();
  pipeline.dispose();
  return samples;
}

/** Iterations of DDPO as `tiny-ddpo` has them: 64 images, 10 steps of which 4 are trained on. The first two are not counted. */
async function iterationsOf(iterations) {
  const config = parseTrainConfig(trainPreset("tiny-ddpo").config, [`train.epochs=${iterations + 2}`]);
  const trainer = await openRun({ config, pipeline: await loadPipeline("tiny") });
  const lines = trainer[Symbol.asyncIterator]();
  for (let i = 0; i < 2; i++) await lines.next();
  const samples = await profiled(async () => {
    for (let i = 0; i < iterations; i++) await lines.next();
  });
  await trainer.close();
  return samples;
}

nameKernels();
const [batch, steps, iterations] = [given.batch, given.steps, given.iterations].map(Number);
const step = await trainingStep(batch, steps);
const iteration = await iterationsOf(iterations);
const made = [
  `${cpus()[0].model.trim()}, Node ${process.versions.node}, ${name} ${version}, ${threads} thread${threads === 1 ? "" : "s"}, ${new Date().toISOString().slice(0, 10)}, load ${loadavg()[0].toFixed(1)} on ${cpus().length} processors; \`npm run profile -w @etalon/trainers -- --write\`.`,
  report(`A training step of the tiny default, ${batch} images`, step, steps),
  report("An iteration of DDPO, 64 images, 10 steps, 4 trained on", iteration, iterations, [
    { head: "what for", keyOf: phaseOf },
  ]),
].join("\n\n");
console.log(made);
if (given.write) {
  const page = fileURLToPath(new URL("../../../docs/profile.md", import.meta.url));
  const mark = "<!-- made by the command below -->";
  const [words] = readFileSync(page, "utf8").split(mark);
  writeFileSync(page, `${words}${mark}\n\n${made}\n`);
}
