import { engineNames } from "@etalon/engine";
import { z } from "zod";

const count = () => z.int().min(1);

const PromptsConfig = z.strictObject({
  inDomain: z.string().min(1).default("tiny-train").describe("Trained on: a built-in list or a text file."),
  heldOut: z.string().min(1).default("tiny-heldout").describe("Never trained on."),
  inDomainRich: z.string().min(1).default("tiny-rich").describe("inDomain, said at length, line by line."),
  heldOutRich: z.string().min(1).default("tiny-heldout-rich").describe("heldOut, said at length, line by line."),
});

const TrainingConfig = z.strictObject({
  reward: z.string().min(1).describe("What is trained towards and measured: a name, or a ./file.js."),
  etas: z.array(z.number().positive()).min(1).describe("Noise levels, one training each."),
  seeds: z.array(z.int().min(0)).min(1).default([0]).describe("Seeds of training, one training each."),
  epochs: z
    .array(count())
    .min(1)
    .describe("Epochs after which the gap is measured, beside 0; the largest is the length of training."),
  train: z
    .record(z.string(), z.unknown())
    .default({})
    .describe("Training config, as `etalon schema train` has it, less model, reward, prompts, seed and sampler.eta."),
});

const MeasureConfig = z.strictObject({
  samples: z.int().min(2).default(64).describe("Paired pictures a measurement, spread over the prompts."),
  steps: count().default(8).describe("Sampling steps of the main measurements."),
  start: z.number().positive().optional().describe("Time of the first step. Left out: the path's own (0.98 for tiny)."),
  shift: z
    .number()
    .positive()
    .optional()
    .describe("Time shift of the grid, for flow models: 3 for SD3 and FLUX, 1 is none. Left out: the model's own."),
  guidance: z
    .number()
    .min(0)
    .default(1)
    .describe("Weight of classifier-free guidance; other than 1 doubles the passes."),
  seed: z.int().min(0).default(1_000_003).describe("Seed of the measurements' noise, the same for all."),
  fewSteps: z.array(count()).default([4, 6, 8, 20]).describe("Step counts of the few-step comparison, after training."),
  flowSdeNoise: z
    .number()
    .positive()
    .default(0.7)
    .describe("Noise level a of the Flow-SDE in the few-step comparison, in Flow-GRPO's units: gDDIM η = a/√2."),
  pictures: count().default(8).describe("Pictures a sampler in the report."),
});

/** The whole config of a study. A misspelt key is an error that names it. */
export const StudyConfig = z.strictObject({
  model: z.string().min(1).default("tiny").describe("A built-in name or a folder."),
  engine: z.enum(engineNames).default("auto").describe("The tensor engine. Bits repeat on one engine."),
  prompts: PromptsConfig.prefault({}).describe("What is drawn."),
  trainings: z
    .array(TrainingConfig)
    .min(1)
    .describe("Rewards and noise levels. Claims are drawn for each reward; the first is the main one."),
  measure: MeasureConfig.prefault({}).describe("How finely the gap is measured."),
});
export type StudyConfig = z.infer<typeof StudyConfig>;
/** A config as a user writes it: keys left out take their defaults. */
export type StudyConfigInput = z.input<typeof StudyConfig>;

/** The JSON Schema of a study's config, for editors and `etalon schema study`. */
export const studySchema = (): Record<string, unknown> =>
  z.toJSONSchema(StudyConfig, { io: "input" }) as Record<string, unknown>;
