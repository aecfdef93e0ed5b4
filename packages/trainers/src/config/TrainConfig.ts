import { engineNames } from "@etalon/engine";
import { z } from "zod";
import { count } from "./count.ts";
import { SamplerConfig } from "./SamplerConfig.ts";
import { UpdateConfig } from "./UpdateConfig.ts";

/** The training algorithms by name: each is a set of defaults of the same loop. */
export const algorithms = ["ddpo", "mixgrpo", "flow-grpo", "dance-grpo"] as const;
export type Algorithm = (typeof algorithms)[number];

const CheckpointConfig = z.strictObject({
  every: count().default(5).describe("Epochs between checkpoints; the last epoch always has one."),
  keep: count().default(3).describe("Newest checkpoints that are kept, beside the one of the highest ODE reward."),
  samples: count()
    .default(16)
    .describe("Pictures of the sample grid; their mean reward by the ODE chooses the best checkpoint."),
});

const MeasureConfig = z.strictObject({
  every: count()
    .default(5)
    .describe("Epochs between measurements of the reward gap, where a study or `etalon train` measures."),
  steps: count().default(10).describe("Sampling steps of a measurement."),
  samples: count().default(64).describe("Paired samples of a measurement."),
});

const LogConfig = z.strictObject({
  tensorboard: z
    .boolean()
    .default(false)
    .describe("Whether the run folder also gets TensorBoard's event files: metrics, sample grids, gaps, the config."),
});

const ParallelConfig = z.strictObject({
  splitGroups: z
    .boolean()
    .default(false)
    .describe("Whether the images of a group may lie on several ranks: for more ranks than prompts an epoch."),
  reduceEvery: count()
    .nullable()
    .default(null)
    .describe(
      "Micro-batches between two sums of the gradient over the ranks, which go on beside the next ones. null: one sum an update, the least to send.",
    ),
  bucketMB: z.number().positive().max(1024).default(4).describe("About how long a message of the gradient is, in MB."),
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

const PromptsConfig = z.strictObject({
  mix: z
    .array(
      z.strictObject({
        prompts: z.string().min(1).describe("A built-in list, or a .txt, .jsonl or .csv file."),
        weight: z.number().positive().default(1).describe("Its share of the prompts drawn, over the sum of weights."),
      }),
    )
    .min(1)
    .describe("Lists and their weights."),
  heldOut: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe("Share kept out of training, by a hash of the text, of the prompts that no file decides on."),
});

/** The whole config of a training run. A misspelt key is an error that names it. */
export const TrainConfig = z
  .strictObject({
    algorithm: z.enum(algorithms).default("ddpo").describe("Which set of defaults; every key can be set on top of it."),
    model: z
      .string()
      .min(1)
      .default("tiny")
      .describe("A built-in name, a folder, or owner/name[@revision] of the Hugging Face hub."),
    variant: z
      .string()
      .min(1)
      .nullable()
      .default(null)
      .describe(
        '"fp16", say: the model\'s weights whose files have it in their names come first. null: full precision.',
      ),
    reward: z
      .union([z.string().min(1), MixConfig])
      .default("jpeg-incompressibility")
      .describe("A name, a ./file.js, or a mix."),
    prompts: z
      .union([z.string().min(1), PromptsConfig])
      .default("tiny-train")
      .describe("A built-in list, a .txt, .jsonl or .csv file, or a mix of them; LIST#in-domain leaves a fifth out."),
    seed: z.int().min(0).default(0).describe("Of all that is drawn: noise, prompt order, adapter, trained steps."),
    engine: z.enum(engineNames).default("auto").describe("The tensor engine."),
    sampler: SamplerConfig.prefault({}).describe("The rollout."),
    train: UpdateConfig.prefault({}).describe("The update."),
    checkpoint: CheckpointConfig.prefault({}).describe("When the run is saved."),
    measure: MeasureConfig.prefault({}).describe("How the reward gap is measured along the run."),
    log: LogConfig.prefault({}).describe("What is written beside metrics.jsonl."),
    parallel: ParallelConfig.prefault({}).describe(
      "How ranks share an update (mpirun, srun). The order of the gradient's sum follows it, with one process too.",
    ),
  })
  .superRefine(({ sampler, train }, context) => {
    const refuse = (path: string[], input: unknown, message: string) =>
      context.addIssue({ code: "custom", path, input, message });
    const { window, steps, rule, eta } = sampler;
    if (window && window.size > steps)
      refuse(["sampler", "window", "size"], window.size, `at most sampler.steps, ${steps}`);
    if (window && window.start > 0 && window.start + window.size > steps - 1)
      // no window holds the last step: it draws no noise
      refuse(["sampler", "window", "start"], window.start, `start + size at most sampler.steps − 1, ${steps - 1}`);
    if (window?.end && window.start + window.size > Math.min(window.end, steps))
      refuse(["sampler", "window", "end"], window.end, "at least start + size");
    if (rule === "cps" && highest(eta) > 1) refuse(["sampler", "eta"], eta, "at most 1 with rule cps");
    if (typeof eta === "object" && eta.along === "trajectory" && eta.epochs !== null)
      refuse(["sampler", "eta", "epochs"], eta.epochs, "null along a trajectory");
    if (train.timestepFraction !== null && train.trainedSteps !== null)
      refuse(["train", "timestepFraction"], train.timestepFraction, "null beside trainedSteps");
    if (train.gradientWeight > 0 && train.noiseLevelWeight > 0)
      refuse(["train", "gradientWeight"], train.gradientWeight, "0 beside noiseLevelWeight");
    const { shape, warmup, updates } = train.schedule;
    if (shape === "cosine" && updates !== null && warmup >= updates)
      refuse(["train", "schedule", "warmup"], warmup, `less than updates, ${updates}`);
    if (train.bestOf !== null && train.bestOf > train.groupSize)
      refuse(["train", "bestOf"], train.bestOf, `at most train.groupSize, ${train.groupSize}`);
    if (train.kl > 0 && train.parameters !== "lora")
      refuse(["train", "kl"], train.kl, '0, unless train.parameters is "lora"');
    if (train.advantage === "group" && train.groupSize < 2)
      refuse(["train", "groupSize"], train.groupSize, "2 or more with group advantages");
    if (train.updatesPerEpoch > train.promptsPerEpoch * (train.bestOf ?? train.groupSize))
      refuse(["train", "updatesPerEpoch"], train.updatesPerEpoch, "at most the images of an epoch that are trained on");
    if (!isPattern(train.parameters)) refuse(["train", "parameters"], train.parameters, "a regular expression");
  });
export type TrainConfig = z.infer<typeof TrainConfig>;
/** A config as a user writes it: keys left out take their defaults. */
export type TrainConfigInput = z.input<typeof TrainConfig>;

const highest = (eta: z.infer<typeof SamplerConfig>["eta"]) =>
  typeof eta === "number" ? eta : Math.max(eta.from, eta.to);

function isPattern(text: string): boolean {
  try {
    return new RegExp(text) !== undefined;
  } catch {
    return false;
  }
}
