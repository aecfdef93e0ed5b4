import { engine } from "@etalon/engine";
import { defineReward } from "@etalon/rewards";
import { openRun, parseTrainConfig } from "../src/index.ts";
import { fakePipeline } from "./fakePipeline.ts";

/** The run that is killed, and that is held against the one that is not. Tells each epoch as it is done. */
export async function killableRun(
  out: string,
  tell: (epoch: number) => void = () => undefined,
  epochs = 60,
): Promise<void> {
  await engine("wasm");
  const pipeline = fakePipeline();
  const config = parseTrainConfig({
    engine: "wasm",
    sampler: { steps: 4, eta: 0.8 },
    train: {
      epochs,
      promptsPerEpoch: 2,
      groupSize: 3,
      learningRate: 1e-2,
      updatesPerEpoch: 2,
      statistics: { minCount: 4 },
    },
    checkpoint: { every: 2, keep: 2 },
  });
  const reward = defineReward("bright", ({ data, count }) =>
    Float32Array.from({ length: count }, (_, i) => data.subarray(i * 48, i * 48 + 48).reduce((a, b) => a + b) / 12240),
  );
  const trainer = await openRun({ config, reward, prompts: ["red heart", "fish"], pipeline, out, resume: true });
  for await (const { epoch } of trainer) tell(epoch);
  await trainer.close();
  pipeline.dispose();
}
