import { z } from "zod";
import { count } from "./count.ts";

const OptimiserConfig = z.strictObject({
  beta1: z.number().min(0).lt(1).default(0.9).describe("AdamW: decay of the mean of gradients."),
  beta2: z.number().min(0).lt(1).default(0.99).describe("AdamW: decay of the mean of their squares."),
  epsilon: z.number().positive().default(1e-8).describe("AdamW: added to the root of the latter."),
  weightDecay: z.number().min(0).default(1e-4).describe("AdamW: decoupled weight decay, a unit of learning rate."),
  maxGradNorm: z.number().positive().default(1).describe("Global L2 norm that a gradient is cut to."),
});

const ScheduleConfig = z.strictObject({
  shape: z
    .enum(["constant", "cosine"])
    .default("constant")
    .describe("The learning rate after the warm-up: as it is, or down along half a cosine."),
  warmup: z.int().min(0).default(0).describe("Updates over which it rises from 0 in even steps."),
  updates: count()
    .nullable()
    .default(null)
    .describe("cosine: the update at which it has come down; null: the run's last, as it began."),
  floor: z.number().min(0).max(1).default(0).describe("cosine: the share of learningRate that it comes down to."),
});

const EmaConfig = z.strictObject({
  decay: z
    .number()
    .min(0)
    .lt(1)
    .default(0.95)
    .describe("Share of the old average that an update keeps; early on less, (1 + updates)/(10 + updates)."),
  evaluate: z
    .boolean()
    .default(true)
    .describe("Whether samples and measurements are by the averages, else by the trained weights."),
});

const StatisticsConfig = z.strictObject({
  size: count().default(64).describe("Newest rewards that are kept of each prompt."),
  minCount: count()
    .default(16)
    .describe("With fewer of a prompt, the epoch's rewards of all prompts give mean and standard deviation."),
});

const LoraConfig = z.strictObject({
  rank: count().max(4096).default(8).describe("Rank of the adapter's matrices."),
  alpha: z.number().positive().default(16).describe("The adapter's part is scaled by alpha / rank."),
});

/** The update's keys. */
export const UpdateConfig = z.strictObject({
  epochs: count().default(20).describe("Rounds of rollout and update. A resumed run may have more of them."),
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
  learningRate: z.number().positive().default(2e-4).describe("AdamW's, after the warm-up."),
  schedule: ScheduleConfig.prefault({}).describe("How the learning rate goes along the run."),
  optimiser: OptimiserConfig.prefault({}).describe("AdamW's other settings."),
  clip: z
    .number()
    .positive()
    .default(1e-2)
    .describe("PPO's c: the ratio counts within 1 ± c. Idle while an epoch has one update."),
  ratioNorm: z
    .boolean()
    .default(false)
    .describe(
      "GRPO-Guard's ratio normalisation: the ratio is centred at 1 and spread alike at all noise levels, so that one clip fits all steps.",
    ),
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
  timestepFraction: z
    .number()
    .positive()
    .max(1)
    .nullable()
    .default(null)
    .describe("In place of trainedSteps: the share of the stochastic steps, rounded down, at least one."),
  stepChoice: z
    .enum(["shared", "each"])
    .default("shared")
    .describe(
      "Whether the images of an epoch train on the same steps, or each on steps of its own, as ddpo-pytorch and DanceGRPO do.",
    ),
  bestOf: count()
    .nullable()
    .default(null)
    .describe(
      "DanceGRPO's best-of-n: of each group only so many images are trained on, the best and the worst half and half; null: all.",
    ),
  updatesPerEpoch: count().default(1).describe("Optimiser steps an epoch: the images are split into as many parts."),
  innerEpochs: count().default(1).describe("Passes over the epoch's images."),
  microBatch: count()
    .default(16)
    .describe(
      "Images in one forward and backward pass. Gradients are summed up: no result depends on it, but for rounding.",
    ),
  checkpointing: z
    .boolean()
    .default(true)
    .describe(
      "Whether blocks run again for the gradient: much less memory, some more time. Of models that have such blocks (Stable Diffusion).",
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
  gradientWeight: z
    .number()
    .min(0)
    .default(0)
    .describe(
      "c of GRPO-Guard's step weight c/|b|, made for ratioNorm: each step's gradient alike. On Flow-SDE it is its 1/Δt, but for a factor. 0: off.",
    ),
  ema: EmaConfig.nullable()
    .default(null)
    .describe("A moving average of the trained weights, saved with the run (checkpoints/…/ema); null: none."),
  maxSkipped: count()
    .default(10)
    .describe("Steps left out, since their gradient was not finite, after which the run saves what it has and stops."),
  kl: z
    .number()
    .min(0)
    .default(0)
    .describe('Weight β of the KL term towards the model without its adapter; needs parameters "lora".'),
});
