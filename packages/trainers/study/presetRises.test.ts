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

/** Its reward by the ODE, of the model as it is, or after a training by that reward or by one that looks at no image. */
async function measured(by?: "its reward" | "no image") {
  const [pipeline, reward] = [await loadPipeline("tiny"), await loadReward(config.reward as string)];
  if (by) {
    const given = by === "no image" ? blindReward(config.seed) : reward;
    const trainer = await openRun({ config, pipeline, reward: given });
    for await (const _ of trainer);
    await trainer.close();
  }
  const rewards = await measure({ pipeline, reward, config, lists, pictures: 2 });
  pipeline.dispose();
  return rewards;
}

test("tiny-ddpo raises its reward within four epochs, and more than a reward that looks at no image does, each by five standard errors of the pictures", async () => {
  const [before, after, blind] = [await measured(), await measured("its reward"), await measured("no image")];
  for (const [what, pair] of Object.entries({ rise: { before, after }, learned: { before: blind, after } })) {
    const { mean, sem } = overPictures(gains([pair], "in domain"));
    expect(sem, what).toBeGreaterThan(0);
    expect(mean / sem, what).toBeGreaterThan(wanted);
  }
});
