// What a reward that ignores the image does to the tiny default, and what a few settings change in that and in what is learned from a reward that looks at it.
//   npm run build && npm run study:drift -w @etalon/trainers [-- --out runs/drift] [--seeds 3] [--from 1] [--only "1e-4;2.5e-5"] [--rewards blind,tiny-clip] [--minutes 7] [--table]
// Trains tiny-mixgrpo by both rewards. From each training: the rise of tiny-clip, also by averages of the weights (EMA; they change no training), and how far the weights moved. Over trainings:
// the rises with their errors, and whether the moves have a direction in common (direction.mjs). Each training leaves a file, and is not run again.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { engine } from "@etalon/engine";
import { loadPipeline, loadPrompts } from "@etalon/models";
import { loadReward } from "@etalon/rewards";
import { openRun, parseTrainConfig, trainPreset } from "@etalon/trainers";
import { blindReward } from "./blindReward.mjs";
import { direction, flattened } from "./direction.mjs";
import { measure } from "./measure.mjs";
import { gains, mean, overPictures, spreadOfSeeds } from "./rises.mjs";

const { values: given } = parseArgs({
  options: {
    out: { type: "string", default: "runs/drift" },
    seeds: { type: "string", default: "3" },
    from: { type: "string", default: "1" },
    only: { type: "string" },
    rewards: { type: "string", default: "blind,tiny-clip" },
    minutes: { type: "string", default: "Infinity" },
    table: { type: "boolean", default: false },
  },
});
const settings = {
  "1e-4": ["train.learningRate=1e-4", "train.epochs=48"],
  "5e-5": ["train.learningRate=5e-5", "train.epochs=48"],
  "2.5e-5, twice the epochs": ["train.learningRate=2.5e-5", "train.epochs=96"],
  "1e-4, cosine to 0": ["train.learningRate=1e-4", "train.epochs=48", "train.schedule.shape=cosine"],
  "LoRA, 1e-3": ["train.learningRate=1e-3", "train.epochs=48", "train.parameters=lora"],
};
const decay = 0.95; // of 48 updates the last keeps (1 + 48)/(10 + 48) = 0.845, whatever more is asked for
const pictures = 8; // a prompt, a measurement
const lists = { "in domain": loadPrompts("tiny-train"), "held out": loadPrompts("tiny-heldout") };
const seeds = Array.from({ length: Number(given.seeds) }, (_, i) => Number(given.from) + i);
const stop = performance.now() + 60_000 * Number(given.minutes);
const wanted = given.only?.split(";") ?? Object.keys(settings);
const rewards = given.rewards.split(",");
const placeOf = (setting, reward, seed) => join(given.out, `${setting.replace(/[^\w.]+/g, "-")}-${reward}-seed${seed}`);

async function train(setting, rewardName, seed) {
  const config = parseTrainConfig(trainPreset("tiny-mixgrpo").config, [
    ...settings[setting],
    `seed=${seed}`,
    `train.ema.decay=${decay}`, // changes no training
  ]);
  const [pipeline, reward] = [await loadPipeline("tiny"), await loadReward("tiny-clip")];
  const now = () => measure({ pipeline, reward, config, lists, pictures });
  const before = await now();
  const trainer = await openRun({ config, pipeline, reward: rewardName === "blind" ? blindReward(seed) : reward });
  const variables = [...pipeline.model.parameters(config.train.parameters).values()];
  const begin = flattened(variables);
  for await (const { epoch } of trainer) process.stderr.write(`\r${setting}, ${rewardName}, seed ${seed}: epoch ${epoch}   `); // biome-ignore format: one thought
  process.stderr.write("\n");
  const moved = flattened(variables).map((v, i) => v - begin[i]);
  const after = { plain: await now(), [`EMA ${decay}`]: await trainer.averaged(now) };
  await trainer.close();
  pipeline.dispose();
  reward.dispose?.();
  const place = placeOf(setting, rewardName, seed);
  writeFileSync(`${place}.f32`, new Uint8Array(moved.buffer));
  writeFileSync(`${place}.json`, `${JSON.stringify({ seed, config, before, after })}\n`);
}

await engine("auto");
mkdirSync(given.out, { recursive: true });
let left = 0;
for (const setting of wanted) {
  for (const seed of seeds) {
    for (const reward of rewards) {
      if (existsSync(`${placeOf(setting, reward, seed)}.json`)) continue;
      if (given.table || performance.now() > stop) left++;
      else await train(setting, reward, seed);
    }
  }
}

const number = (v, digits = 3) => v.toFixed(digits).replace("-", "−");
const rows = wanted.flatMap((setting) =>
  rewards.flatMap((reward) => {
    const places = seeds.map((seed) => placeOf(setting, reward, seed)).filter((place) => existsSync(`${place}.json`));
    const trainings = places.map((place) => JSON.parse(readFileSync(`${place}.json`, "utf8")));
    if (trainings.length === 0) return [];
    const moved = places.map((place) => new Float32Array(Uint8Array.from(readFileSync(`${place}.f32`)).buffer));
    return Object.keys(trainings[0].after).map((by) => {
      const rises = (list) =>
        trainings.map(({ before, after }) => overPictures(gains([{ before, after: after[by] }], list)).mean);
      return { setting, reward, by, rises: rises("in domain"), heldOut: rises("held out"), moved };
    });
  }),
);
const spreads = Object.fromEntries(
  rewards.map((reward) => [
    reward,
    spreadOfSeeds(rows.filter((row) => row.reward === reward && row.by === "plain").map(({ rises }) => rises)),
  ]),
);
console.log("| setting | reward | by | rise, by seed | rise ± s.e. over its own trainings | held out | length of the move | direction ± error | cosine |\n|---|---|---|---|---|---|---|---|---|"); // biome-ignore format: a heading
for (const { setting, reward, by, rises, heldOut, moved } of rows) {
  const own = spreadOfSeeds([rises]);
  const sem = own ? number(own.sd / Math.sqrt(rises.length)) : "";
  const along = by === "plain" && moved.length > 1 ? direction(moved) : undefined;
  const length = by === "plain" ? number(mean(moved.map((d) => Math.sqrt(d.reduce((s, v) => s + v * v, 0))))) : ""; // biome-ignore format: one thought
  const cells = [setting, reward, by, rises.map((v) => number(v, 2)).join(" "), `${number(mean(rises))} ± ${sem}`];
  cells.push(number(mean(heldOut)), length);
  cells.push(along ? `${number(along.ratio)} ± ${number(along.sem)}` : "", along ? number(along.cosine, 4) : "");
  console.log(`| ${cells.join(" | ")} |`);
}
for (const [reward, spread] of Object.entries(spreads))
  if (spread) console.log(`\n${reward}: trainings lie ${number(spread.sd)} apart, of ${spread.freedom} degrees of freedom.`); // biome-ignore format: short
if (left > 0) console.log(`\n${left} trainings are left: call it again.`);
