import { loadPipeline, loadPrompts } from "@etalon/models";
import { loadReward } from "@etalon/rewards";
import { expect, test } from "vitest";
import { openRun, parseTrainConfig, trainPreset } from "../src/index.ts";
import { blindReward } from "./blindReward.mjs";
import { measure } from "./measure.mjs";
import { gains, overPictures } from "./rises.mjs";
import { wanted } from "./tooLittle.mjs";

// The cheapest of the presets, on its real weights; `study:algorithms -- --only presets --check` holds all of them, at full length.
const config = parseTrainConfig(trainPreset("tiny-ddpo").config, ["train.epochs=4"]);
const lists = { "in domain": loadPrompts("tiny-train") };

/** Its reward by the ODE before and after, trained by that reward, or by one that looks at no image. */
async function trained(blind: boolean) {
  const [pipeline, reward] = [await loadPipeline("tiny"), await loadReward(config.reward as string)];
  const trainer = await openRun({ config, pipeline, reward: blind ? blindReward(config.seed) : reward });
  const now = () => measure({ pipeline, reward, config, lists, pictures: 2 });
  const before = await now();
  for await (const _ of trainer);
  const after = await now();
  await trainer.close();
  pipeline.dispose();
  return { before, after };
}

test("tiny-ddpo raises its reward within four epochs, and more than a reward that looks at no image does, each by five standard errors of the pictures", async () => {
  const [seeing, blind] = [await trained(false), await trained(true)];
  for (const [what, pair] of Object.entries({ rise: seeing, learned: { before: blind.after, after: seeing.after } })) {
    const { mean, sem } = overPictures(gains([pair], "in domain"));
    expect(sem, what).toBeGreaterThan(0);
    expect(mean / sem, what).toBeGreaterThan(wanted);
  }
});
