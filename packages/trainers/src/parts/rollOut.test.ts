import { engine } from "@etalon/engine";
import { loadPipeline } from "@etalon/models";
import { beforeAll, describe, expect, test } from "vitest";
import { fakePipeline } from "../../test/fakePipeline.ts";
import { parseTrainConfig } from "../config/parseTrainConfig.ts";
import { Arena } from "./Arena.ts";
import { type RolloutOptions, rollOut } from "./rollOut.ts";
import { trainingPlan } from "./trainingPlan.ts";

beforeAll(() => engine());

const prompts = ["red heart", "red heart", "blue fish", "blue fish"];
const ids = Uint32Array.of(0, 1, 2, 3);

describe.each([
  ["every step", {}],
  ["some steps", { trained: prompts.map(() => new Set([1])) }],
  ["guidance, one noise a group, the noise kept", { guidance: 2, sharedBy: 2, keepNoise: true }],
])("with an arena: %s", (_, over: Partial<RolloutOptions>) => {
  test.each([
    ["tiny", () => loadPipeline("tiny")],
    ["one whose model gives its input", async () => Object.assign(fakePipeline(), { denoiser: identity })],
  ])("the rollout of %s is what it is without, the first and the second time", async (_name, load) => {
    const pipeline = await load();
    const plan = trainingPlan(parseTrainConfig({ sampler: { eta: 0.8, steps: 4 } }), pipeline.path, 0);
    const arena = new Arena();
    const draw = (seed: number, own?: Arena) => rollOut({ pipeline, plan, prompts, ids, seed, arena: own, ...over });
    for (const seed of [1, 2, 1]) expect(await draw(seed, arena)).toEqual(await draw(seed));
    pipeline.dispose();
  });
});

test("a multistep sampler, which looks back at what it gave, draws the same in an arena", async () => {
  const pipeline = fakePipeline();
  const config = parseTrainConfig({ algorithm: "mixgrpo", sampler: { steps: 8, window: { strategy: "progressive", size: 2, flash: {} } } }); // biome-ignore format: one thought
  const plan = trainingPlan(config, pipeline.path, 0);
  expect(plan.steps.some(({ map }) => map.earlier?.length)).toBe(true);
  const draw = (arena?: Arena) => rollOut({ pipeline, plan, prompts, ids, seed: 1, arena });
  const arena = new Arena();
  for (let i = 0; i < 2; i++) expect(await draw(arena)).toEqual(await draw());
});

const identity = (_prompts: readonly string[], { guidance = 1 } = {}) =>
  Object.assign((x: Float32Array) => (guidance === 1 ? x : { cond: x, uncond: x }), { dispose: () => undefined });
