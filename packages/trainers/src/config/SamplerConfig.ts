import { ruleNames, solverNames } from "@etalon/gddim";
import { z } from "zod";
import { count } from "./count.ts";

/** Window strategies by name; see `windows`. */
export const windowStrategies = ["progressive", "random", "decay", "exp-decay", "frozen"] as const;

const FlashConfig = z.strictObject({
  ratio: z
    .number()
    .positive()
    .max(1)
    .default(0.4)
    .describe("Share of the steps after the window that remain, at least one: fewer forward passes."),
  solver: z
    .enum(solverNames)
    .default("dpm++-2m")
    .describe("Method of these steps; DPM-Solver++ of order 2, midpoint, as published."),
});

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
  end: count()
    .nullable()
    .default(null)
    .describe("Windows lie before this step; null: anywhere. Flow-GRPO-Fast keeps them in the first half."),
  flash: FlashConfig.nullable()
    .default(null)
    .describe("MixGRPO-Flash: fewer steps, by a higher-order solver, after the window; null: the whole schedule."),
  maxEvery: count().default(10).describe("decay: epochs that it stays at the first place."),
  minEvery: count().default(1).describe("decay: epochs that it stays at the last place."),
  decayFrom: z.int().min(0).default(13).describe("exp-decay: the place from which stays become shorter."),
  decayRate: z
    .number()
    .min(0)
    .default(0.1)
    .describe("exp-decay: every · exp(−decayRate · (place − decayFrom)) epochs a place."),
});

const EtaSchedule = z.strictObject({
  along: z
    .enum(["training", "trajectory"])
    .describe("Whether it moves from epoch to epoch, or from the first step of a trajectory to the last."),
  from: z.number().positive().describe("Noise level at the beginning."),
  to: z.number().positive().describe("Noise level at the end."),
  shape: z.enum(["linear", "cosine"]).default("linear").describe("How it gets there."),
  epochs: count()
    .nullable()
    .default(null)
    .describe("Along training: epochs after which it stays at `to`; null: the run's, as it began."),
});

/** The rollout's keys. */
export const SamplerConfig = z.strictObject({
  eta: z
    .union([z.number().positive(), EtaSchedule])
    .default(1.2)
    .describe(
      "Noise level of the training sampler, in the units of its rule: a number, or a schedule. 0 would be the ODE, which has no log-probability.",
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
