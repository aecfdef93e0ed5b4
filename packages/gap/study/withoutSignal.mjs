// What of the quick study's rises its rewards brought: each of its trainings beside the same one by a reward that looks at no image, by the ODE, before and after from the same noise.
//   npm run build && npm run study:without-signal -w @etalon/gap [-- --etas 1.2] [--seeds 0,1]
import { parseArgs } from "node:util";
import { engine } from "@etalon/engine";
import { parseStudyConfig, sampleRewards, studyPresets, summarise } from "@etalon/gap";
import { plan } from "@etalon/gddim";
import { loadPipeline, loadPrompts, Random } from "@etalon/models";
import { defineReward, loadReward } from "@etalon/rewards";
import { openRun, parseTrainConfig } from "@etalon/trainers";

const { values: given } = parseArgs({ options: { etas: { type: "string", default: "1.2" }, seeds: { type: "string", default: "0,1" } } }); // biome-ignore format: short
const [etas, seeds] = [given.etas, given.seeds].map((list) => list.split(",").map(Number));
const { trainings, measure, prompts } = parseStudyConfig(studyPresets.quick);

const drawn = loadPrompts(prompts.inDomain);

/** Rewards of the pictures that the ODE draws, in pairs with those of any other call. */
async function odeRewards(pipeline, reward) {
  const { samples: n, steps, seed } = measure;
  const ode = plan({ path: pipeline.path, steps, eta: 0, rule: "gddim" });
  return (await sampleRewards({ pipeline, reward, prompts: drawn, plan: ode, n, seed })).rewards;
}

const known = new Map();
/** Those of the untrained model: one measurement a reward. */
async function untrained(pipeline, reward) {
  if (!known.has(reward.name)) known.set(reward.name, await odeRewards(pipeline, reward));
  return known.get(reward.name);
}

/** What each picture gained by a training. */
async function gained({ train, reward: name, epochs }, eta, seed, blind) {
  const [pipeline, reward] = [await loadPipeline("tiny"), await loadReward(name)];
  try {
    const config = parseTrainConfig({ ...train, reward: name, prompts: prompts.inDomain, seed, sampler: { ...train.sampler, eta }, train: { ...train.train, epochs: epochs.at(-1) } }); // biome-ignore format: one thought
    const random = new Random(seed);
    const noise = defineReward("blind", ({ count }) => Float32Array.from({ length: count }, () => random.normal()));
    const before = await untrained(pipeline, reward);
    const trainer = await openRun({ config, pipeline, reward: blind ? noise : reward });
    for await (const { epoch } of trainer) process.stderr.write(`\r${name}, η ${eta}, seed ${seed}${blind ? ", without a signal" : ""}: epoch ${epoch}   `); // biome-ignore format: one thought
    const after = await odeRewards(pipeline, reward);
    await trainer.close();
    return after.map((value, i) => value - before[i]);
  } finally {
    pipeline.dispose();
    reward.dispose?.();
  }
}

const told = (values) => {
  const { mean, sem } = summarise(values);
  return `${mean.toFixed(3).replace("-", "−")} ± ${sem.toFixed(3)}`;
};

const { name, version } = await engine("auto");
console.log(`${name} ${version}; ± is a standard error over pictures\n\n| reward | η | seed | rise | without a signal | difference |\n|---|---|---|---|---|---|`); // biome-ignore format: a heading
for (const training of trainings) {
  for (const eta of etas) {
    for (const seed of seeds) {
      const [own, blind] = [await gained(training, eta, seed, false), await gained(training, eta, seed, true)];
      const cells = [training.reward, eta, seed, told(own), told(blind), told(own.map((v, i) => v - blind[i]))];
      process.stderr.write("\n");
      console.log(`| ${cells.join(" | ")} |`);
    }
  }
}
