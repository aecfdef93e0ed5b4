import { engine } from "@etalon/engine";
import { defineReward } from "@etalon/rewards";
import { describe, expect, test } from "vitest";
import { type Communicator, inProcess, openRun, parseTrainConfig, scalingPlan } from "../src/index.ts";
import { fakePipeline } from "./fakePipeline.ts";

const config = (sets: string[] = []) =>
  parseTrainConfig({ engine: "wasm", sampler: { steps: 2 }, train: { epochs: 1, promptsPerEpoch: 8, groupSize: 2, microBatch: 2, parameters: "all" } }, sets); // biome-ignore format: one thought
const one = (size: number) => new Map([["w", { shape: [size], size }]]);
const seconds = { rollout: 3, update: 4, optimiser: 1 };
const link = { alpha: 1e-3, beta: 1e-6 };

describe("scalingPlan", () => {
  /** What a rank of a run calls: allreduces and their bytes, and gathers, in the second of two epochs. */
  async function calls(sets: string[], ranks: number) {
    const counts = { sums: 0, values: 0, gathers: 0 };
    const counted = (communicator: Communicator): Communicator => ({
      ...communicator,
      allreduce(values) {
        counts.sums += 1;
        counts.values += values.length;
        return communicator.allreduce(values);
      },
      allgather(bytes) {
        counts.gathers += 1;
        return communicator.allgather(bytes);
      },
    });
    const reward = defineReward("even", ({ count }) => Float32Array.from({ length: count }, (_, i) => i % 2));
    const runs = inProcess(ranks).map(async (communicator, rank) => {
      const pipeline = fakePipeline();
      const options = { config: config([...sets, "train.epochs=2"]), reward, prompts: ["red", "blue"], pipeline };
      const trainer = await openRun({ ...options, communicator: rank === 0 ? counted(communicator) : communicator });
      let before = { ...counts };
      for await (const { epoch } of trainer) if (epoch === 1) before = { ...counts };
      await trainer.close();
      pipeline.dispose();
      return { sums: counts.sums - before.sums, values: counts.values - before.values, gathers: counts.gathers - before.gathers }; // biome-ignore format: one thought
    });
    return (await Promise.all(runs))[0];
  }

  test.each([
    [2, []],
    [4, ["parallel.reduceEvery=2"]],
    [4, ["parallel.reduceEvery=1"]],
    [3, ["train.updatesPerEpoch=2", "parallel.bucketMB=0.0001"]],
  ] as [number, string[]][])("counts what %d ranks do, %j", async (ranks, sets) => {
    await engine("wasm");
    const done = await calls(sets, ranks);
    const pipeline = fakePipeline();
    const variables = new Map([...pipeline.model.parameters("all")].map(([name, { shape, size }]) => [name, { shape, size }])); // biome-ignore format: one thought
    pipeline.dispose();
    const at = config(sets);
    const free = { rollout: 0, update: 0, optimiser: 0 };
    const [{ sums, bytes }] = scalingPlan({ config: at, variables, seconds: free, link, ranks: [ranks] });
    const updates = at.train.updatesPerEpoch;
    expect(4 * done.values * (ranks - 1)).toBe(updates * bytes); // arrays as short as these go to each of the others whole
    const arrays = done.sums / (updates * sums);
    expect(arrays).toBe(sets.length === 2 ? 2 : 1);
    // A round of messages an array, and one a gather; the run's own end gathers once more.
    const [{ seconds: spent }] = scalingPlan({ config: at, variables, seconds: free, link: { alpha: 1, beta: 0 }, ranks: [ranks] }); // biome-ignore format: one thought
    expect(spent.messages).toBe((ranks - 1) * (done.sums + done.gathers - 1));
  });

  test("is the α–β model: by hand", () => {
    const variables = one(999_999); // and a number that says that it has a gradient: 4 MB, one array
    const [alone, four] = scalingPlan({ config: config(), variables, seconds, link, ranks: [1, 4] });
    expect(alone).toEqual({ ranks: 1, sums: 0, bytes: 0, seconds: { compute: 8, messages: 0, epoch: 8, overlapped: 8 }, efficiency: { epoch: 1, overlapped: 1 } }); // biome-ignore format: one thought
    // 16 images, 4 a rank: a sum of 2 · 3 messages and 2 · 3/4 of 4 MB; four gathers of 3 messages.
    const sum = 6e-3 + 6;
    expect(four).toMatchObject({ ranks: 4, sums: 1, bytes: 6e6 });
    expect(four.seconds.compute).toBeCloseTo(3 / 4 + 1 + 4 / 4, 12);
    expect(four.seconds.messages).toBeCloseTo(sum + 12e-3, 9);
    expect(four.seconds.overlapped).toBeCloseTo(2.75 + 12e-3 + sum, 9);
    expect(four.efficiency.epoch).toBeCloseTo(8 / (4 * (2.75 + sum + 12e-3)), 9);
  });

  test("of sums beside the next micro-batches: by hand", () => {
    const often = config(["parallel.reduceEvery=1"]);
    const [four] = scalingPlan({ config: often, variables: one(999_999), seconds, link, ranks: [4] });
    const sum = 6e-3 + 6; // twice, since a rank has two micro-batches
    expect(four).toMatchObject({ ranks: 4, sums: 2, bytes: 12e6 });
    expect(four.seconds.messages).toBeCloseTo(2 * sum + 12e-3, 9);
    // The first sum is seen as far as it takes longer than the second micro-batch, half a second; the last wholly.
    expect(four.seconds.overlapped).toBeCloseTo(2.75 + 12e-3 + sum + (sum - 0.5), 9);
    expect(four.efficiency.epoch).toBeCloseTo(8 / (4 * (2.75 + 2 * sum + 12e-3)), 9);
  });

  test("a rank without work in an update waits: two updates of eight images, one a rank", () => {
    const [{ seconds: spent, efficiency }] = scalingPlan({ config: config(["train.groupSize=1", "train.updatesPerEpoch=2", "train.microBatch=1", "train.advantage=per-prompt"]), variables: one(10), seconds: { rollout: 0, update: 8, optimiser: 0 }, link: { alpha: 0, beta: 0 }, ranks: [8] }); // biome-ignore format: one thought
    expect(spent.epoch).toBe(2);
    expect(efficiency.epoch).toBe(0.5);
  });

  test("refuses", () => {
    const options = { config: config(), variables: one(4), seconds, link, ranks: [2] };
    expect(() => scalingPlan({ ...options, ranks: [9] })).toThrow("the number of ranks is 9; allowed: at most train.promptsPerEpoch, 8."); // biome-ignore format: one thought
    expect(() => scalingPlan({ ...options, ranks: [0] })).toThrow("ranks is 0");
    expect(() => scalingPlan({ ...options, link: { alpha: -1, beta: 0 } })).toThrow("link.alpha is -1; allowed: a finite number ≥ 0."); // biome-ignore format: one thought
    expect(() => scalingPlan({ ...options, seconds: { ...seconds, update: Number.NaN } })).toThrow("seconds.update is NaN"); // biome-ignore format: one thought
  });
});
