import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engine } from "@etalon/engine";
import type * as Gddim from "@etalon/gddim";
import type { Pipeline } from "@etalon/models";
import { defineReward } from "@etalon/rewards";
import { thrown } from "@etalon/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { describeSelfCheck, openRun, parseTrainConfig, rollOut, type Stages } from "../src/index.ts";
import { fakePipeline } from "./fakePipeline.ts";

/** The noise level that the sampler takes where it is told 0. */
const wrong = vi.hoisted(() => ({ eta: 0 }));
vi.mock("@etalon/gddim", async (original) => {
  const whole = await original<typeof Gddim>();
  const plan: typeof whole.plan = (options) => whole.plan(options.eta === 0 ? { ...options, eta: wrong.eta } : options);
  return { ...whole, plan };
});

let root = "";
beforeAll(async () => {
  await engine("wasm");
  root = mkdtempSync(join(tmpdir(), "etalon-start-up-"));
});
afterEach(() => {
  wrong.eta = 0;
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const config = parseTrainConfig({ engine: "wasm", sampler: { steps: 4, eta: 0.8 }, train: { epochs: 1, promptsPerEpoch: 2, groupSize: 2 } }); // biome-ignore format: one thought
const reward = defineReward("level", ({ data, count }) => Float32Array.from({ length: count }, (_, i) => data[i]));

/** How a run ends at its start, and that it leaves no folder. */
async function opened(stages?: Partial<Stages>, spoil: (pipeline: Pipeline) => Partial<Pipeline> = () => ({})) {
  const [out, pipeline] = [join(root, "run"), fakePipeline()];
  const spoilt = Object.assign(Object.create(pipeline), spoil(pipeline));
  const end = await thrown(async () => {
    const trainer = await openRun({ config, reward, prompts: ["red heart", "cat"], pipeline: spoilt, out, stages });
    await trainer.close();
  });
  pipeline.dispose();
  if (end !== "nothing") expect(existsSync(out)).toBe(false);
  rmSync(out, { recursive: true, force: true });
  return end;
}

/** The float32 number next to it, towards 0, that has a half's 10 bits of mantissa. */
function cutToHalf(values: Float32Array): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (const [i, word] of bits.entries()) bits[i] = word & ~0x1fff;
}

describe("the start-up check", () => {
  test("keeps the forecast beside the checks, in self-check.json", async () => {
    const [out, pipeline] = [join(root, "forecast"), fakePipeline()];
    const trainer = await openRun({ config, reward, prompts: ["red heart", "cat"], pipeline, out });
    const forecast = await trainer.forecast();
    await trainer.close();
    pipeline.dispose();
    expect(JSON.parse(readFileSync(join(out, "self-check.json"), "utf8"))).toEqual({ ...trainer.checks, forecast });
  });

  test("tells the first ratio as the run takes it, where it sums log-probabilities", async () => {
    const run = async (reduction: "sum" | "mean") => {
      const pipeline = fakePipeline();
      const asked = parseTrainConfig({ ...config, train: { ...config.train, reduction } });
      const trainer = await openRun({ config: asked, reward, prompts: ["red heart", "cat"], pipeline });
      await trainer.close();
      pipeline.dispose();
      return trainer.checks;
    };
    const { ratioOfSums, ...rest } = await run("sum");
    expect(ratioOfSums).toBeGreaterThanOrEqual(rest.ratio);
    expect(describeSelfCheck({ ratioOfSums, ...rest })[0]).toContain(
      `(${ratioOfSums?.toExponential(1)} summed, as train.reduction says)`,
    );
    expect(await run("mean")).not.toHaveProperty("ratioOfSums");
  });

  test("lets a run begin that has nothing wrong", async () => {
    expect(await opened({ rollOut })).toBe("nothing");
  });

  test.each([
    [3, []],
    [500, ["train.trainedSteps is 500, an epoch has 3 stochastic steps: all are trained on"]],
  ])("train.trainedSteps of %d where a plan has 3 stochastic steps: noted at the start and in self-check.json", async (trainedSteps, notes) => {
    const [out, pipeline] = [join(root, "noted"), fakePipeline()];
    const many = { ...config, train: { ...config.train, trainedSteps } };
    const trainer = await openRun({ config: many, reward, prompts: ["cat"], pipeline, out });
    expect(describeSelfCheck(trainer.checks).slice(2)).toEqual(notes.map((note) => `note: ${note}`));
    expect(JSON.parse(readFileSync(join(out, "self-check.json"), "utf8")).notes).toEqual(notes);
    await trainer.close();
    pipeline.dispose();
    rmSync(out, { recursive: true });
  }); // biome-ignore format: a table

  test.each([0, 2])("latents of half precision, after step %d: says so, and what to do", async (at) => {
    const halved: Stages["rollOut"] = async (options) => {
      const rollout = await rollOut(options);
      cutToHalf(rollout.steps[at].next);
      return rollout;
    };
    expect(await opened({ rollOut: halved })).toBe(
      `SELF_CHECK: Self-check: the latents after step ${at} have no more digits than float16; allowed: float32. Half precision moves the ratio by more than a clip of 1e-4: keep latents as they come from \`rollout\`.`,
    );
  });

  test("a sampler that draws a little noise at eta 0", async () => {
    wrong.eta = 0.01;
    expect(await opened()).toMatch(/^SELF_CHECK: Self-check: the sampler at eta 0 against the ODE is off by \d\.\de-[23]; allowed: at most 0\.0001\. The path, its prediction type or the guidance do not fit the model\.$/); // biome-ignore format: one thought
  });

  test("a model whose answers in a trajectory depend on what it was asked before", async () => {
    const worn = (pipeline: Pipeline) => ({
      denoiser: ((...given: Parameters<Pipeline["denoiser"]>) => {
        const denoiser = pipeline.denoiser(...given);
        let calls = 0;
        const wearing = (x: Float32Array, t: number) => {
          const out = denoiser(x, t) as Float32Array;
          return ++calls > config.sampler.steps ? out.map((value) => 1.001 * value) : out;
        };
        return Object.assign(wearing, { dispose: () => denoiser.dispose() });
      }) as Pipeline["denoiser"],
    });
    expect(await opened(undefined, worn)).toMatch(/^SELF_CHECK: Self-check: the sampler at eta 0 against the ODE/);
  });
});
