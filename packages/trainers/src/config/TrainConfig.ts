import { ruleNames } from "@etalon/gddim";
import { z } from "zod";

const count = () => z.int().min(1);

/** Window strategies by name; see `windows`. */
export const windowStrategies = ["progressive", "random", "decay", "exp-decay", "frozen"] as const;

/** The training algorithms by name: each is a set of defaults of the same loop. */
export const algorithms = ["ddpo", "mixgrpo", "flow-grpo", "dance-grpo"] as const;
export type Algorithm = (typeof algorithms)[number];

const WindowConfig = z.strictObject({
  strategy: z.enum(windowStrategies).default("progressive").describe("How the window moves along the trajectory."),
  size: count()
    .default(4)
    .describe("Stochastic steps in the window. More explore more, and cost as many forward-backward passes."),
  every: count()
    .default(25)
    .describe("Epochs that the window stays where it is; for decay and exp-decay see maxEvery and decayRate."),
  stride: count().default(1).describe("Steps by which it moves on."),
  rollBack: z
    .boolean()
    .default(true)
    .describe("Whether it goes back to the start after the end of the trajectory; else it stays there."),
  start: z.int().min(0).default(0).describe("First step of the window at the first epoch, and after a roll-back."),
  maxEvery: count().default(10).describe("decay: epochs that it stays at the first place."),
  minEvery: count().default(1).describe("decay: epochs that it stays at the last place."),
  decayFrom: z.int().min(0).default(13).describe("exp-decay: the place from which stays become shorter."),
  decayRate: z
    .number()
    .min(0)
    .default(0.1)
    .describe("exp-decay: every · exp(−decayRate · (place − decayFrom)) epochs a place."),
});

const SamplerConfig = z.strictObject({
  eta: z
    .number()
    .positive()
    .default(1.2)
    .describe(
      "Noise level of the training sampler, in the units of its rule. 0 would be the ODE, which has no log-probability.",
    ),
  steps: count().default(10).describe("Sampling steps of a training trajectory."),
  guidance: z
    .number()
    .min(0)
    .default(1)
    .describe("Weight of classifier-free guidance; other than 1 doubles the forward passes."),
  rule: z.enum(ruleNames).default("gddim").describe("Formula of the stochastic steps."),
  start: z.number().positive().optional().describe("Time of the first step. Default: the path's own (0.98 for tiny)."),
  shift: z
    .number()
    .positive()
    .optional()
    .describe("Time shift of the grid, for flow models: 3 for SD3 and FLUX, 1 is none."),
  window: WindowConfig.nullable()
    .default(null)
    .describe("A moving window of stochastic steps in an ODE trajectory (MixGRPO); null: every step is stochastic."),
  sharedNoise: z.boolean().default(false).describe("Whether the images of a group start from one initial noise."),
  batch: count()
    .default(32)
    .describe("Images that go through the model at once. No result depends on it, but for rounding."),
});

const OptimiserConfig = z.strictObject({
  beta1: z.number().min(0).lt(1).default(0.9).describe("AdamW: decay of the mean of gradients."),
  beta2: z.number().min(0).lt(1).default(0.99).describe("AdamW: decay of the mean of their squares."),
  epsilon: z.number().positive().default(1e-8).describe("AdamW: added to the root of the latter."),
  weightDecay: z.number().min(0).default(1e-4).describe("AdamW: decoupled weight decay, a unit of learning rate."),
  maxGradNorm: z.number().positive().default(1).describe("Global L2 norm that a gradient is cut to."),
});

const StatisticsConfig = z.strictObject({
  size: count().default(64).describe("Newest rewards that are kept of each prompt."),
  minCount: count()
    .default(16)
    .describe("With fewer of a prompt, the epoch's rewards of all prompts give mean and standard deviation."),
});

const LoraConfig = z.strictObject({
  rank: count().default(8).describe("Rank of the adapter's matrices."),
  alpha: z.number().positive().default(16).describe("The adapter's part is scaled by alpha / rank."),
});

const UpdateConfig = z.strictObject({
  epochs: count().default(20).describe("Rounds of rollout and update. The one key that a resumed run may change."),
  promptsPerEpoch: count().default(8).describe("Prompts a round; the list is gone through in shuffled order."),
  groupSize: count()
    .default(8)
    .describe("Images a prompt a round. More give steadier advantages; time is linear in it."),
  parameters: z
    .string()
    .min(1)
    .default("lora")
    .describe('What is trained: "lora", "all", or a regular expression over parameter names.'),
  lora: LoraConfig.prefault({}).describe('The adapter, when parameters is "lora".'),
  learningRate: z.number().positive().default(2e-4).describe("AdamW's, constant."),
  optimiser: OptimiserConfig.prefault({}).describe("AdamW's other settings."),
  clip: z
    .number()
    .positive()
    .default(1e-2)
    .describe("PPO's c: the ratio counts within 1 ± c. Idle while an epoch has one update."),
  reduction: z
    .enum(["mean", "sum"])
    .default("mean")
    .describe(
      'Log-probabilities over the elements: "mean" is the convention of DDPO and MixGRPO, "sum" the true density.',
    ),
  trainedSteps: count()
    .nullable()
    .default(null)
    .describe("Stochastic steps of a trajectory that are trained on, drawn anew each epoch; null: all."),
  updatesPerEpoch: count().default(1).describe("Optimiser steps an epoch: the images are split into as many parts."),
  innerEpochs: count().default(1).describe("Passes over the epoch's images."),
  microBatch: count()
    .default(16)
    .describe(
      "Images in one forward and backward pass. Gradients are summed up: no result depends on it, but for rounding.",
    ),
  advantage: z
    .enum(["per-prompt", "group"])
    .default("per-prompt")
    .describe(
      "Rewards are centred and scaled by running statistics of their prompt (DDPO), or by their group of this epoch (GRPO).",
    ),
  statistics: StatisticsConfig.prefault({}).describe("The buffers of the per-prompt advantage."),
  clipAdvantage: z.number().positive().default(5).describe("Advantages are cut to ± this."),
  noiseLevelWeight: z
    .number()
    .min(0)
    .default(0)
    .describe(
      "c of the step weight c·std/|b|, which takes the 1/noise growth out of the gradient. 0: off, as the papers. 4 for semantic rewards.",
    ),
  kl: z
    .number()
    .min(0)
    .default(0)
    .describe('Weight β of the KL term towards the model without its adapter; needs parameters "lora".'),
});

const CheckpointConfig = z.strictObject({
  every: count().default(5).describe("Epochs between checkpoints; the last epoch always has one."),
  keep: count().default(3).describe("Newest checkpoints that are kept."),
});

const MeasureConfig = z.strictObject({
  every: count()
    .default(5)
    .describe("Epochs between measurements of the reward gap, where a study or `etalon train` measures."),
  steps: count().default(10).describe("Sampling steps of a measurement."),
  samples: count().default(64).describe("Paired samples of a measurement."),
});

const MixConfig = z.strictObject({
  mix: z
    .array(z.strictObject({ reward: z.string().min(1), weight: z.number() }))
    .min(1)
    .describe("Rewards and their weights."),
  level: z
    .enum(["reward", "advantage"])
    .default("reward")
    .describe("Whether rewards are added up, or their advantages."),
});

/** The whole config of a training run. A misspelt key is an error that names it. */
export const TrainConfig = z
  .strictObject({
    algorithm: z.enum(algorithms).default("ddpo").describe("Which set of defaults; every key can be set on top of it."),
    model: z.string().min(1).default("tiny").describe("A built-in name, a folder, or a hub id."),
    reward: z
      .union([z.string().min(1), MixConfig])
      .default("jpeg-incompressibility")
      .describe("A name, a ./file.js, or a mix."),
    prompts: z
      .string()
      .min(1)
      .default("tiny-train")
      .describe("A built-in list, or a text file with one prompt a line."),
    seed: z.int().min(0).default(0).describe("Of all that is drawn: noise, prompt order, adapter, trained steps."),
    engine: z
      .enum(["auto", "native", "tfjs-node-gpu", "tfjs-node", "wasm"])
      .default("auto")
      .describe("The tensor engine."),
    sampler: SamplerConfig.prefault({}).describe("The rollout."),
    train: UpdateConfig.prefault({}).describe("The update."),
    checkpoint: CheckpointConfig.prefault({}).describe("When the run is saved."),
    measure: MeasureConfig.prefault({}).describe("How the reward gap is measured along the run."),
  })
  .superRefine(({ sampler, train }, context) => {
    const refuse = (path: string[], input: unknown, message: string) =>
      context.addIssue({ code: "custom", path, input, message });
    const { window, steps, rule, eta } = sampler;
    if (window && window.size > steps)
      refuse(["sampler", "window", "size"], window.size, `at most sampler.steps, ${steps}`);
    if (window && window.start + window.size > steps)
      refuse(["sampler", "window", "start"], window.start, `start + size at most sampler.steps, ${steps}`);
    if (rule === "cps" && eta > 1) refuse(["sampler", "eta"], eta, "at most 1 with rule cps");
    if (train.kl > 0 && train.parameters !== "lora")
      refuse(["train", "kl"], train.kl, '0, unless train.parameters is "lora"');
    if (train.advantage === "group" && train.groupSize < 2)
      refuse(["train", "groupSize"], train.groupSize, "2 or more with group advantages");
    if (train.updatesPerEpoch > train.promptsPerEpoch * train.groupSize)
      refuse(["train", "updatesPerEpoch"], train.updatesPerEpoch, "at most the images of an epoch");
    if (!isPattern(train.parameters)) refuse(["train", "parameters"], train.parameters, "a regular expression");
  });
export type TrainConfig = z.infer<typeof TrainConfig>;
/** A config as a user writes it: keys left out take their defaults. */
export type TrainConfigInput = z.input<typeof TrainConfig>;

function isPattern(text: string): boolean {
  try {
    return new RegExp(text) !== undefined;
  } catch {
    return false;
  }
}
