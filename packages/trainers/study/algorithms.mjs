// Which algorithm, weight and η raise the reward by how much on the tiny default: every preset as it is, and groups of configs that differ in one thing, at one cost in passes
// of the model. Trains each with some seeds, draws by the ODE from the same noise before and after, and gives the rise with its standard error, paired:
// over pictures for the prompts that were trained on, over prompts for held-out ones.
//   npm run build && npm run study:algorithms -w @etalon/trainers [-- --out runs/algorithms] [--seeds 2] [--budget 12] [--minutes 7] [--only presets,eta] [--table]
// Each training leaves a file; what has one is not run again, so that the command can be stopped and called again (--minutes: stops by itself, between trainings).
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { engine } from "@etalon/engine";
import { loadPipeline, loadPrompts } from "@etalon/models";
import { loadReward } from "@etalon/rewards";
import {
  modelPasses,
  openRun,
  parseTrainConfig,
  rewardImages,
  rollOut,
  trainingPlan,
  trainPreset,
} from "@etalon/trainers";
import { groups, presetNames } from "./variants.mjs";

const { values: given } = parseArgs({
  options: {
    out: { type: "string", default: "runs/algorithms" },
    seeds: { type: "string", default: "2" },
    budget: { type: "string", default: "12" },
    minutes: { type: "string", default: "Infinity" },
    only: { type: "string" },
    table: { type: "boolean", default: false },
  },
});
const seeds = Array.from({ length: Number(given.seeds) }, (_, i) => i);
const stop = performance.now() + 60_000 * Number(given.minutes);
const pictures = 8; // a prompt, a measurement
const lists = { "in domain": "tiny-train", "held out": "tiny-heldout" };
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

/** Rewards of the ODE's pictures: by list, one row a prompt. */
async function measure(pipeline, reward, config) {
  const rows = {};
  for (const [name, list] of Object.entries(lists)) {
    const prompts = loadPrompts(list);
    const each = prompts.flatMap((prompt) => Array(pictures).fill(prompt));
    const plan = trainingPlan(config, pipeline.path, "ode");
    const ids = Uint32Array.from(each, (_, i) => 2 ** 30 + i); // apart from training's
    const { images } = await rollOut({ pipeline, plan, prompts: each, seed: 1000, ids, batch: 32 });
    const { total } = await rewardImages(reward, images, each);
    rows[name] = prompts.map((_, i) => [...total.subarray(i * pictures, (i + 1) * pictures)]);
  }
  return rows;
}

const known = new Map();
/** The measurement before training: one for all configs that draw alike. */
async function untrained(pipeline, reward, config) {
  const key = JSON.stringify([config.reward, trainingPlan(config, pipeline.path, "ode")]);
  if (!known.has(key)) known.set(key, await measure(pipeline, reward, config));
  return known.get(key);
}

async function train(json, seed, note) {
  const config = parseTrainConfig({ ...json, seed });
  const pipeline = await loadPipeline("tiny");
  const reward = await loadReward(config.reward);
  try {
    const begun = performance.now();
    const trainer = await openRun({ config, pipeline, reward });
    const before = await untrained(pipeline, reward, config);
    const lines = [];
    for await (const line of trainer) {
      lines.push(line);
      process.stderr.write(
        `\r${note}: epoch ${line.epoch}/${config.train.epochs}, reward ${line.reward.mean.toFixed(3)}   `,
      );
    }
    const after = await trainer.averaged(() => measure(pipeline, reward, config));
    await trainer.close();
    const mean = (of) => lines.reduce((sum, line) => sum + of(line), 0) / lines.length;
    process.stderr.write("\n");
    const seconds = (performance.now() - begun) / 1000;
    return {
      config,
      seed,
      before,
      after,
      seconds,
      clipped: mean((line) => line.clipFraction),
      skipped: lines.at(-1).skipped,
    };
  } finally {
    pipeline.dispose();
    reward.dispose?.();
  }
}

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
const variance = (values) => values.reduce((sum, v) => sum + (v - mean(values)) ** 2, 0) / (values.length - 1);

/** What each picture gained, a row a prompt, over the seeds of training; the same noise before and after. */
const gains = (results, list) =>
  results[0].before[list].map((row, p) => row.map((_, i) => mean(results.map(({ before, after }) => after[list][p][i] - before[list][p][i])))); // biome-ignore format: one thought

/** Mean over given prompts, those that were trained on: the error is that of the pictures within each. */
const overPictures = (rows) => ({
  mean: mean(rows.map(mean)),
  sem: Math.sqrt(rows.reduce((sum, row) => sum + variance(row) / row.length, 0)) / rows.length,
});

/** Mean over prompts that stand for others: the error is that of the prompts. */
const overPrompts = (rows) => ({ mean: mean(rows.map(mean)), sem: Math.sqrt(variance(rows.map(mean)) / rows.length) });

const minus = (rows, others) => rows.map((row, p) => row.map((v, i) => v - others[p][i]));

const { name: engineName, version, threads } = await engine("auto");
const probe = await loadPipeline("tiny");
const { path } = probe;
probe.dispose();
const mixgrpo = Object.values(groups.algorithms)[0];
const budget = Array.from({ length: Number(given.budget) }, (_, epoch) =>
  costOf(parseTrainConfig(mixgrpo), path, epoch),
).reduce((a, b) => a + b);
const presets = Object.fromEntries(presetNames.map((name) => [name, trainPreset(name).config]));
const wanted = given.only?.split(",");
const jobs = Object.entries({ presets, ...groups })
  .filter(([group]) => wanted === undefined || wanted.includes(group))
  .flatMap(([group, configs]) =>
    Object.entries(configs).map(([name, json]) => {
      if (group !== "presets") return { group, name, ...withinBudget(json, path, budget) };
      const config = parseTrainConfig(json);
      const costs = Array.from({ length: config.train.epochs }, (_, epoch) => costOf(config, path, epoch));
      return { group, name, config: json, cost: costs.reduce((a, b) => a + b) };
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

const table = jobs.map((job) => {
  const results = seeds
    .map((seed) => fileOf(job, seed))
    .filter(existsSync)
    .map((file) => JSON.parse(readFileSync(file, "utf8")));
  if (results.length === 0) return { ...job, seeds: 0 };
  const rise = overPictures(gains(results, "in domain"));
  const base = jobs.find(({ group }) => group === job.group);
  const others = results
    .filter(({ seed }) => existsSync(fileOf(base, seed)))
    .map(({ seed }) => JSON.parse(readFileSync(fileOf(base, seed), "utf8")));
  const own = results.filter(({ seed }) => others.some((other) => other.seed === seed));
  const against =
    job.group === "presets" || job === base || own.length === 0
      ? undefined
      : overPictures(minus(gains(own, "in domain"), gains(others, "in domain")));
  return {
    ...{
      group: job.group,
      name: job.name,
      seeds: results.length,
      epochs: results[0].config.train.epochs,
      passes: job.cost,
    },
    before: mean(results[0].before["in domain"].flat()),
    after: mean(results.flatMap(({ after }) => after["in domain"].flat())),
    ...{
      rise,
      errors: rise.mean / rise.sem,
      semOverPrompts: overPrompts(gains(results, "in domain")).sem,
      heldOut: overPrompts(gains(results, "held out")),
      against,
    },
    bySeed: results.map((result) => overPictures(gains([result], "in domain")).mean),
    ...{
      clipped: mean(results.map(({ clipped }) => clipped)),
      skipped: mean(results.map(({ skipped }) => skipped)),
      seconds: mean(results.map(({ seconds }) => seconds)),
    },
    reward: results[0].config.reward,
  };
});
writeFileSync(
  join(given.out, "algorithms.json"),
  `${JSON.stringify({ engine: engineName, version, threads, pictures, seeds: seeds.length, budget, rows: table }, null, 1)}\n`,
);

const pm = ({ mean: m, sem }) => `${m.toFixed(3)} ± ${sem.toFixed(3)}`;
const columns = [
  "what",
  "seeds",
  "epochs",
  "passes",
  "ODE before",
  "after",
  "rise ± s.e.",
  "in s.e.",
  "s.e. over prompts",
  "held out",
  "against the first",
  "by seed",
  "clipped",
  "s",
];
for (const group of new Set(table.map((row) => row.group))) {
  console.log(`\n### ${group}\n\n| ${columns.join(" | ")} |\n|${columns.map(() => "---").join("|")}|`);
  for (const row of table.filter((row) => row.group === group)) {
    if (row.seeds === 0) continue;
    const cells = [row.name, row.seeds, row.epochs, row.passes, row.before.toFixed(2), row.after.toFixed(2), pm(row.rise), row.errors.toFixed(1), row.semOverPrompts.toFixed(3), pm(row.heldOut), row.against ? pm(row.against) : "", row.bySeed.map((r) => r.toFixed(2)).join(" "), `${(100 * row.clipped).toFixed(0)} %`, row.seconds.toFixed(0)]; // biome-ignore format: a row
    console.log(`| ${cells.join(" | ")} |`);
  }
}
if (left > 0) console.log(`\n${left} trainings are left: call it again.`);
