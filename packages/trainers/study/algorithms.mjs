// Which algorithm, weight and η raise the reward by how much on the tiny default: every preset as it is, and groups of configs that differ in one thing, at one cost in passes
// of the model. Trains each with some seeds, draws by the ODE from the same noise before and after, and gives the rise with its standard errors (tables.mjs), and a figure.
//   npm run build && npm run study:algorithms -w @etalon/trainers [-- --out runs/algorithms] [--seeds 2] [--from 0] [--budget 12] [--minutes 7] [--only presets,eta] [--table] [--check]
// --check ends with 1 unless each training of each preset raised its reward by five standard errors, and by as much more than a reward that looks at no image does (tooLittle.mjs):
//   npm run study:algorithms -w @etalon/trainers -- --only "presets,nothing to learn" --seeds 3 --check
// Each training leaves a file; what has one is not run again, so that the command can be stopped and called again (--minutes: stops by itself, between trainings).
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { engine } from "@etalon/engine";
import { loadPipeline, loadPrompts } from "@etalon/models";
import { loadReward } from "@etalon/rewards";
import { modelPasses, openRun, parseTrainConfig, trainingPlan, trainPreset } from "@etalon/trainers";
import { blindReward, isBlind, measuredBy } from "./blindReward.mjs";
import { figure } from "./figure.mjs";
import { measure } from "./measure.mjs";
import { learned, learnedMarkdown, tabulate, toMarkdown } from "./tables.mjs";
import { tooLittle } from "./tooLittle.mjs";
import { groups, presetNames, times } from "./variants.mjs";

const { values: given } = parseArgs({
  options: {
    out: { type: "string", default: "runs/algorithms" },
    seeds: { type: "string", default: "2" },
    from: { type: "string", default: "0" },
    budget: { type: "string", default: "12" },
    minutes: { type: "string", default: "Infinity" },
    only: { type: "string" },
    table: { type: "boolean", default: false },
    check: { type: "boolean", default: false },
  },
});
const seeds = Array.from({ length: Number(given.seeds) }, (_, i) => Number(given.from) + i);
const stop = performance.now() + 60_000 * Number(given.minutes);
const pictures = 8; // a prompt, a measurement
const lists = { "in domain": loadPrompts("tiny-train"), "held out": loadPrompts("tiny-heldout") };
const backward = 3; // a forward and backward pass in forward passes, as measured (packages/engine)

/** Forward passes of an epoch's images. */
function costOf(config, path, epoch) {
  const { rollout, training, reference } = modelPasses(config, path, epoch);
  return config.train.promptsPerEpoch * config.train.groupSize * (rollout + backward * training + reference);
}

/** The config with as many epochs as the budget allows, and what they cost. */
function withinBudget(config, path, budget) {
  let [epochs, cost] = [0, 0];
  for (;;) {
    const next = cost + costOf(parseTrainConfig(config), path, epochs);
    if (next > budget && epochs > 0) break;
    [epochs, cost] = [epochs + 1, next];
  }
  return { config: { ...config, train: { ...config.train, epochs } }, cost };
}

const known = new Map();
/** The measurement before training: one for all configs that draw alike. */
async function untrained(pipeline, reward, config) {
  const key = JSON.stringify([reward.name, trainingPlan(config, pipeline.path, "ode")]);
  if (!known.has(key)) known.set(key, await measure({ pipeline, reward, config, lists, pictures }));
  return known.get(key);
}

async function train(json, seed, note) {
  const config = parseTrainConfig({ ...json, seed });
  const pipeline = await loadPipeline("tiny");
  const reward = await loadReward(measuredBy(config.reward));
  try {
    const begun = performance.now();
    const trainer = await openRun({ config, pipeline, reward: isBlind(config.reward) ? blindReward(seed) : reward });
    const before = await untrained(pipeline, reward, config);
    const lines = [];
    for await (const line of trainer) {
      lines.push(line);
      process.stderr.write(
        `\r${note}: epoch ${line.epoch}/${config.train.epochs}, reward ${line.reward.mean.toFixed(3)}   `,
      );
    }
    const after = await trainer.averaged(() => measure({ pipeline, reward, config, lists, pictures }));
    await trainer.close();
    const clipped = lines.reduce((sum, line) => sum + line.clipFraction, 0) / lines.length;
    process.stderr.write("\n");
    const seconds = (performance.now() - begun) / 1000;
    return { config, seed, before, after, seconds, clipped, skipped: lines.at(-1).skipped };
  } finally {
    pipeline.dispose();
    reward.dispose?.();
  }
}

const { name: engineName, version, threads } = await engine("auto");
const probe = await loadPipeline("tiny");
const { path } = probe;
probe.dispose();
const mixgrpo = Object.values(groups.algorithms)[0];
const costOfEpochs = (config, epochs) =>
  Array.from({ length: epochs }, (_, epoch) => costOf(config, path, epoch)).reduce((a, b) => a + b);
const budgetOf = (group) => costOfEpochs(parseTrainConfig(mixgrpo), Number(given.budget) * (times[group] ?? 1));
const presets = Object.fromEntries(presetNames.map((name) => [name, trainPreset(name).config]));
const wanted = given.only?.split(",");
const jobs = Object.entries({ presets, ...groups })
  .filter(([group]) => wanted === undefined || wanted.includes(group))
  .flatMap(([group, configs]) =>
    Object.entries(configs).map(([name, json]) => {
      const epochs = json.train?.epochs;
      if (epochs === undefined) return { group, name, ...withinBudget(json, path, budgetOf(group)) };
      return { group, name, config: json, cost: costOfEpochs(parseTrainConfig(json), epochs) };
    }),
  );
mkdirSync(given.out, { recursive: true });
const fileOf = ({ config }, seed) => {
  const key = createHash("sha256")
    .update(JSON.stringify([config, seed]))
    .digest("hex");
  return join(given.out, `${key.slice(0, 16)}.json`);
};

let left = 0;
for (const seed of seeds) {
  for (const job of jobs) {
    const file = fileOf(job, seed);
    if (existsSync(file)) continue;
    if (given.table || performance.now() > stop) left++;
    else
      writeFileSync(
        file,
        `${JSON.stringify(await train(job.config, seed, `${job.group}, ${job.name}, seed ${seed}`))}\n`,
      );
  }
}

const trainingsOf = (job) =>
  seeds
    .map((seed) => fileOf(job, seed))
    .filter(existsSync)
    .map((file) => JSON.parse(readFileSync(file, "utf8")));
const tables = tabulate(jobs.map((job) => ({ ...job, trainings: trainingsOf(job) })));
writeFileSync(
  join(given.out, "algorithms.json"),
  `${JSON.stringify({ engine: engineName, version, threads, pictures, seeds: seeds.length, budget: budgetOf(), tables }, null, 1)}\n`,
);
writeFileSync(join(given.out, "algorithms.svg"), figure(tables));
console.log(toMarkdown(tables));
console.log(learnedMarkdown(learned(tables)));
if (left > 0) console.log(`\n${left} trainings are left: call it again.`);
if (given.check) {
  const why = tooLittle(tables, presetNames, seeds.length, learned(tables));
  for (const line of why) console.error(line);
  process.exitCode = why.length > 0 ? 1 : 0;
}
