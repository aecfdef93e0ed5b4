import { loadPipeline } from "@etalon/models";
import { loadReward } from "@etalon/rewards";
import { expect, test } from "vitest";
import { openRun, parseTrainConfig, trainPreset } from "../src/index.ts";
import { blindReward } from "./blindReward.mjs";
import { direction, flattened } from "./direction.mjs";

test("the ratio is 1 where moves have nothing in common, their number where they are the same, 0 where they cancel", () => {
  const [x, y] = [Float32Array.of(3, 0), Float32Array.of(0, 2)];
  expect(direction([x, y])).toEqual({ ratio: 1, sem: 0, cosine: 0 });
  expect(direction([x, x, x])).toMatchObject({ ratio: 3, cosine: 1 });
  expect(direction([x, x.map((v) => -v)])).toMatchObject({ ratio: 0, cosine: -1 });
  const { ratio, sem } = direction([Float32Array.of(1, 2), Float32Array.of(2, 1)]);
  expect([ratio, sem]).toEqual([1.8, 0.8]); // pairs: 4 twice, of 5 + 5; with signs drawn anew 1 ± 0.8
});

/** Where trainings of `tiny-mixgrpo` move the tiny default's weights to, each with a seed of its own. */
async function moves(blind: boolean) {
  const reward = await loadReward("tiny-clip");
  const moved: Float32Array[] = [];
  for (const seed of [1, 2, 3, 4, 5]) {
    const pipeline = await loadPipeline("tiny");
    const config = parseTrainConfig(trainPreset("tiny-mixgrpo").config, [`seed=${seed}`, "train.epochs=2"]);
    const trainer = await openRun({ config, pipeline, reward: blind ? blindReward(seed) : reward });
    const weights = () => flattened([...pipeline.model.parameters("all").values()]);
    const before = weights();
    for await (const _ of trainer);
    moved.push(weights().map((v, i) => v - before[i]));
    await trainer.close();
    pipeline.dispose();
  }
  return direction(moved);
}

// The first order of what a reward that ignores the image does; what a walk without a direction does to a trained model is the study's to tell (drift.mjs).
test("on the tiny default a reward that ignores the image moves the weights in no direction, and one that looks at it does", async () => {
  const [blind, seeing] = [await moves(true), await moves(false)];
  expect(blind.sem).toBeGreaterThan(0);
  expect(Math.abs(blind.ratio - 1)).toBeLessThan(3.5 * blind.sem);
  expect(seeing.ratio - 1).toBeGreaterThan(3.5 * blind.sem);
}, 120_000);
