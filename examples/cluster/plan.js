// A scaling plan: what ranks send in an update and how long an epoch takes them, for the tiny default and Stable Diffusion v1.5, adapters and all parameters.
//   node plan.js [--ranks 1,2,4,8,16,32] [--link loopback] [--pass 15] [--json]
//   --link  "loopback" or "shared memory" as measured.json has them, or ALPHA:BETA, microseconds a message and nanoseconds a byte, as 20:0.1
//   --pass  seconds of a forward pass of Stable Diffusion's U-Net with 64×64 latents; 15 on two processors
// measured.json is made by npm run bench:ranks -w @etalon/trainers -- --write examples/cluster/measured.json
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { engine } from "@etalon/engine";
import { loadPipeline, UNet2DConditionModel } from "@etalon/models";
import { stableDiffusion15 } from "@etalon/schedules";
import { modelPasses, parseTrainConfig, scalingPlan, trainPreset } from "@etalon/trainers";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const json = (name) => JSON.parse(readFileSync(here(name), "utf8"));
const measured = json("measured.json");

/** Stable Diffusion v1.5's U-Net, as its config.json has it. Only its shapes are made: no weights. */
const unet = { _class_name: "UNet2DConditionModel", act_fn: "silu", attention_head_dim: 8, block_out_channels: [320, 640, 1280, 1280], center_input_sample: false, cross_attention_dim: 768, down_block_types: ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"], downsample_padding: 1, flip_sin_to_cos: true, freq_shift: 0, in_channels: 4, layers_per_block: 2, mid_block_scale_factor: 1, norm_eps: 1e-5, norm_num_groups: 32, out_channels: 4, sample_size: 64, up_block_types: ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"] }; // biome-ignore format: a list
/** Of an update's pass, in forward passes: forward, forward again block by block, and back, which is two. */
const passesOfUpdate = 4;

/** What is planned: a config, what it trains, and the seconds that an epoch takes one process. */
async function cases(pass) {
  await engine();
  const tiny = await loadPipeline("tiny");
  const model = new UNet2DConditionModel(unet);
  try {
    const sizes = new Map([...model.net.parameters.specs].map(([name, { shape }]) => [name, { shape, size: shape.reduce((a, b) => a * b, 1) }])); // biome-ignore format: one thought
    tiny.model.addAdapter(parseTrainConfig(trainPreset("tiny-ddpo").config).train.lora);
    const real = json("../sd15-ddpo/ddpo.json");
    model.addAdapter(real.train.lora);
    const tinyOf = (what) => parseTrainConfig(trainPreset("tiny-ddpo").config, [`train.parameters=${what}`, "train.promptsPerEpoch=32"]); // biome-ignore format: one thought
    const realOf = (what) => parseTrainConfig(real, [`train.parameters=${what}`, "train.promptsPerEpoch=64"]);
    return [
      ["the tiny default, adapter", tinyOf("lora"), tiny.model.parameters("lora"), tinySeconds],
      ["the tiny default, all parameters", tinyOf("all"), tiny.model.parameters("all"), tinySeconds],
      ["Stable Diffusion v1.5, adapter", realOf("lora"), model.parameters("lora"), realSeconds(pass)],
      ["Stable Diffusion v1.5, all parameters", realOf("all"), sizes, realSeconds(pass)],
    ].map(([name, config, given, seconds]) => {
      const variables = new Map([...given].map(([key, { shape, size }]) => [key, { shape, size }]));
      const trained = [...variables.values()].reduce((sum, { size }) => sum + size, 0);
      const optimiser = measured.adamW * trained * config.train.updatesPerEpoch;
      return { name, config, variables, trained, seconds: { ...seconds(config), optimiser } };
    });
  } finally {
    tiny.dispose();
    model.dispose();
  }
}

/** As the bench measured them for 64 images, all parameters, which an adapter differs little from. */
function tinySeconds({ train }) {
  const share = (train.promptsPerEpoch * train.groupSize) / 64;
  const { rollout, reward, update } = measured.iteration;
  return { rollout: share * (rollout + reward), update: share * update };
}

const realSeconds = (pass) => (config) => {
  const images = config.train.promptsPerEpoch * config.train.groupSize;
  const { rollout, training } = modelPasses(config, stableDiffusion15(), 0);
  return { rollout: pass * rollout * images, update: passesOfUpdate * pass * training * images };
};

/** A named link, or ALPHA:BETA. */
function linkOf(text) {
  if (measured.links[text]) return measured.links[text];
  const [alpha, beta] = text.split(":").map(Number);
  if (alpha >= 0 && beta >= 0) return { alpha: 1e-6 * alpha, beta: 1e-9 * beta };
  throw new Error(`--link is ${text}; allowed: ${Object.keys(measured.links).join(", ")}, or ALPHA:BETA as 20:0.1`);
}

const bytes = (count) => (count >= 1e9 ? `${(count / 1e9).toFixed(2)} GB` : count >= 1e6 ? `${(count / 1e6).toFixed(1)} MB` : `${(count / 1e3).toFixed(0)} kB`); // biome-ignore format: one thought
const duration = (seconds) =>
  seconds >= 7200 ? `${(seconds / 3600).toPrecision(3)} h` : `${seconds.toPrecision(3)} s`;
const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** @param args  as on the command line    @returns what is printed */
export async function plan(args) {
  const { values: given } = parseArgs({
    args,
    options: {
      ranks: { type: "string", default: "1,2,4,8,16,32" },
      link: { type: "string", default: "loopback" },
      pass: { type: "string", default: "15" },
      json: { type: "boolean", default: false },
    },
  });
  const link = linkOf(given.link);
  const ranks = given.ranks.split(",").map(Number);
  const plans = (await cases(Number(given.pass))).map(({ name, trained, ...of }) => ({ name, trained, rows: scalingPlan({ ...of, link, ranks }) })); // biome-ignore format: one thought
  if (given.json) return JSON.stringify({ link, plans }, null, 2);
  const lines = [`α ${(1e6 * link.alpha).toFixed(0)} µs a message, β ${(1e9 * link.beta).toFixed(3)} ns a byte (${given.link})`]; // biome-ignore format: one thought
  for (const { name, trained, rows } of plans) {
    lines.push("", `${name}: ${trained.toLocaleString("en")} values`, "", "| ranks | a rank sends an update | an epoch | efficiency |", "|---|---|---|---|"); // biome-ignore format: a table
    for (const { ranks: n, bytes: sent, seconds, efficiency } of rows) {
      lines.push(`| ${n} | ${bytes(sent)} | ${duration(seconds.epoch)} | ${percent(efficiency.epoch)} |`);
    }
  }
  return lines.join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await plan(process.argv.slice(2)));
