import { defineReward } from "@etalon/rewards";
import { ddpo } from "@etalon/trainers";

const green = defineReward("green", ({ data, count }) =>
  Float32Array.from({ length: count }, (_, i) => {
    const pixels = data.subarray((i * data.length) / count, ((i + 1) * data.length) / count);
    return pixels.reduce((sum, value, at) => sum + (at % 3 === 1 ? value : -value / 2), 0) / pixels.length;
  }),
);
const run = ddpo(
  { train: { epochs: 3, promptsPerEpoch: 4, groupSize: 4, trainedSteps: 2 } },
  { reward: green, out: "runs/green" },
);
for await (const { epoch, reward, ratio } of run) console.log(epoch, reward.mean.toFixed(2), ratio.max);
await run.close();
