import { engine } from "@etalon/engine";
import { defineReward } from "@etalon/rewards";
import { type Communicator, openRun, parseTrainConfig } from "../src/index.ts";
import { fakePipeline } from "./fakePipeline.ts";

/** The run that the tests with MPI share out, and that one process makes too. Tells each epoch as it is done, and waits for what is told. */
export async function rankedRun(
  out: string,
  communicator: Communicator,
  tell: (epoch: number) => unknown = () => undefined,
  signal?: AbortSignal,
): Promise<void> {
  await engine("wasm");
  const pipeline = fakePipeline();
  const config = parseTrainConfig({ engine: "wasm", sampler: { steps: 4, eta: 0.8 }, train: { epochs: 10, promptsPerEpoch: 4, groupSize: 3, microBatch: 3, learningRate: 1e-2, parameters: "all", statistics: { minCount: 4 } }, checkpoint: { every: 2, keep: 2 } }); // biome-ignore format: one thought
  const reward = defineReward("bright", ({ data, count }) =>
    Float32Array.from({ length: count }, (_, i) => data.subarray(i * 48, i * 48 + 48).reduce((a, b) => a + b) / 12240),
  );
  const trainer = await openRun({ config, reward, prompts: ["red heart", "fish", "cat"], pipeline, out, resume: true, communicator, signal }); // biome-ignore format: one thought
  try {
    for await (const { epoch } of trainer) await tell(epoch);
  } finally {
    await trainer.close();
    pipeline.dispose();
  }
}
