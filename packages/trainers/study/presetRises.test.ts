import { loadPipeline, loadPrompts } from "@etalon/models";
import { loadReward } from "@etalon/rewards";
import { expect, test } from "vitest";
import { openRun, parseTrainConfig, trainPreset } from "../src/index.ts";
import { measure } from "./measure.mjs";
import { gains, overPictures } from "./rises.mjs";
import { wanted } from "./tooLittle.mjs";

// The cheapest of the presets, on its real weights; `study:algorithms -- --only presets --check` holds all of them, at full length.
test("tiny-ddpo raises its reward by five standard errors of the pictures within four epochs", async () => {
  const config = parseTrainConfig(trainPreset("tiny-ddpo").config, ["train.epochs=4"]);
  const [pipeline, reward] = [await loadPipeline("tiny"), await loadReward(config.reward as string)];
  const lists = { "in domain": loadPrompts("tiny-train") };
  const trainer = await openRun({ config, pipeline, reward });
  const now = () => measure({ pipeline, reward, config, lists, pictures: 2 });
  const before = await now();
  for await (const _ of trainer);
  const { mean, sem } = overPictures(gains([{ before, after: await now() }], "in domain"));
  await trainer.close();
  pipeline.dispose();
  expect(sem).toBeGreaterThan(0);
  expect(mean / sem).toBeGreaterThan(wanted);
});
