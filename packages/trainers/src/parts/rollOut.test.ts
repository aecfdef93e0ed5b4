import { engine } from "@etalon/engine";
import { loadPipeline, type Pipeline } from "@etalon/models";
import { beforeAll, expect, test } from "vitest";
import { fakePipeline } from "../../test/fakePipeline.ts";
import { parseTrainConfig } from "../config/parseTrainConfig.ts";
import { Arena } from "./Arena.ts";
import { type RolloutOptions, rollOut } from "./rollOut.ts";
import { trainingPlan } from "./trainingPlan.ts";

beforeAll(() => engine());

const prompts = ["red heart", "red heart", "blue fish", "blue fish"];
const ids = Uint32Array.of(0, 1, 2, 3);

test.each<[string, () => Promise<Pipeline>, Partial<RolloutOptions>]>([
  ["of the tiny default, some steps kept", () => loadPipeline("tiny"), { trained: prompts.map(() => new Set([1])) }],
  ["of a model that gives its input", async () => identity(), {}],
  ["with guidance, one noise a group, the noise kept", async () => identity(), { guidance: 2, sharedBy: 2, keepNoise: true }],
])("a rollout %s is in an arena what it is without, the first and the second time", async (_, load, over) => {
  const pipeline = await load();
  const plan = trainingPlan(parseTrainConfig({ sampler: { eta: 0.8, steps: 4 } }), pipeline.path, 0);
  const arena = new Arena();
  const draw = (seed: number, own?: Arena) => rollOut({ pipeline, plan, prompts, ids, seed, arena: own, ...over });
  for (const seed of [1, 2]) expect(await draw(seed, arena)).toEqual(await draw(seed));
  pipeline.dispose();
}); // biome-ignore format: long lines

test("a multistep sampler, which looks back at what it gave, draws the same in an arena", async () => {
  const pipeline = fakePipeline();
  const config = parseTrainConfig({ algorithm: "mixgrpo", sampler: { steps: 8, window: { strategy: "progressive", size: 2, flash: {} } } }); // biome-ignore format: one thought
  const plan = trainingPlan(config, pipeline.path, 0);
  expect(plan.steps.some(({ map }) => map.earlier?.length)).toBe(true);
  const draw = (arena?: Arena) => rollOut({ pipeline, plan, prompts, ids, seed: 1, arena });
  const arena = new Arena();
  for (let i = 0; i < 2; i++) expect(await draw(arena)).toEqual(await draw());
});

/** A pipeline whose model's output is the very array that it is given. */
function identity(): Pipeline {
  const denoiser: Pipeline["denoiser"] = (_, { guidance = 1 } = {}) =>
    Object.assign((x: Float32Array) => (guidance === 1 ? x : { cond: x, uncond: x }), { dispose: () => undefined });
  return Object.assign(fakePipeline(), { denoiser });
}
