// The same prompts from the same noise, under every sampler, at 4, 8 and 20 steps: a picture with a row a sampler.
// node samplers.js [file] [steps …]
import { writeFile } from "node:fs/promises";
import { etaOfFlowGrpo, plan, sample } from "@etalon/gddim";
import { encodePng, loadPipeline } from "@etalon/models";
import { timeGrid } from "@etalon/schedules";
import { sheet } from "./sheet.js";

const [file = "samplers.png", ...given] = process.argv.slice(2);
const prompts = ["red heart", "red apple", "smiling face with sunglasses", "pizza"];
const counts = given.length > 0 ? given.map(Number) : [4, 8, 20];
const seed = 1;

// Noise levels are each rule's own. 0.85 of gDDIM is 1.2 of Flow-SDE.
const samplers = [
  ["euler (ode)", { eta: 0 }],
  ["heun", { eta: 0, solver: "heun" }],
  ["dpm++-2m", { eta: 0, solver: "dpm++-2m" }],
  ["dpm++-3m", { eta: 0, solver: "dpm++-3m" }],
  ["deis-2", { eta: 0, solver: "deis-2" }],
  ["deis-3", { eta: 0, solver: "deis-3" }],
  ["gddim-pc-2", { eta: 0, solver: "gddim-pc-2" }],
  ["gddim-pc-3", { eta: 0, solver: "gddim-pc-3" }],
  ["gddim η 0.3", { eta: 0.3 }],
  ["gddim η 0.85", { eta: etaOfFlowGrpo(1.2) }],
  ["gddim η 1.2", { eta: 1.2 }],
  ["gddim η 3", { eta: 3 }],
  ["gddim 1.2, first 2", { eta: 1.2, sde: [0, 2] }],
  ["ancestral η 1", { eta: 1, rule: "ancestral" }],
  ["cps η 0.5", { eta: 0.5, rule: "cps" }],
  ["sde-dpm++-2m η 1", { eta: 1, rule: "sde-dpm++-2m" }],
  ["euler-maruyama 0.85", { eta: etaOfFlowGrpo(1.2), rule: "euler-maruyama" }],
  ["flow-sde 1.2", { eta: 1.2, rule: "flow-sde" }],
  ["dance-sde 0.7", { eta: 0.7, rule: "dance-sde" }],
];

const pipeline = await loadPipeline("tiny");
const { guidance } = pipeline.defaults;
const denoiser = pipeline.denoiser(prompts, { guidance });
const { path } = pipeline;
const shape = pipeline.latentShape();
const draw = (steps, options) => {
  const sde = options.sde?.map((step) => Math.min(step, steps)); // a window that lies in the plan
  const made = plan({ path, times: timeGrid(path, steps), ...options, sde });
  return sample({ denoiser, plan: made, shape, seed, samples: prompts.length, guidance }).run();
};

// What the ODE solvers tend to: the same ODE in five times the steps, of third order.
const limit = await draw(5 * Math.max(...counts), { eta: 0, solver: "dpm++-3m" });
const distance = (x) => Math.sqrt(x.reduce((sum, v, k) => sum + (v - limit[k]) ** 2, 0) / x.length);

const rows = [];
for (const [name, options] of samplers) {
  const states = [];
  for (const steps of counts) states.push(await draw(steps, options));
  rows.push({ name, blocks: states.map((x) => pipeline.decode(x, prompts.length)) });
  console.log(name.padEnd(20), ...states.map((x) => distance(x).toFixed(3)));
}
const picture = sheet(
  rows,
  counts.map((steps) => `${steps} steps`),
);
await writeFile(file, await encodePng(picture, 0));
console.log(`wrote ${file}, ${picture.width} x ${picture.height}`);
denoiser.dispose();
pipeline.dispose();
