import { defineReward } from "@etalon/rewards";
import { type Metrics, openRun, parseTrainConfig, type RunOptions } from "../src/index.ts";
import { fakePipeline } from "./fakePipeline.ts";

/** The config of a short run of the small model. */
export const config = (sets: string[] = []) =>
  parseTrainConfig({ engine: "wasm", sampler: { steps: 4, eta: 0.8 }, train: { epochs: 6, promptsPerEpoch: 2, groupSize: 3, learningRate: 1e-2, statistics: { minCount: 4 } }, checkpoint: { every: 2, keep: 2 } }, sets); // biome-ignore format: one thought
/** How bright the small model's pictures of 4×4 are, in [0, 1]. */
export const bright = defineReward("bright", ({ data, count }) =>
  Float32Array.from({ length: count }, (_, i) => data.subarray(i * 48, i * 48 + 48).reduce((a, b) => a + b) / 48 / 255),
);
export const prompts = ["red heart", "blue fish", "cat"];

/** Trains to the end, or to an epoch, and gives the metrics. */
export async function train(options: Partial<RunOptions> & { until?: number } = {}): Promise<Metrics[]> {
  const pipeline = fakePipeline();
  const trainer = await openRun({ config: config(), reward: bright, prompts, pipeline, ...options });
  const lines: Metrics[] = [];
  try {
    for await (const line of trainer) {
      lines.push(line);
      if (line.epoch === options.until) break;
    }
  } finally {
    await trainer.close();
    pipeline.dispose();
  }
  return lines;
}
