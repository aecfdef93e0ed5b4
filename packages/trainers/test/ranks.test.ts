import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engine, tf } from "@etalon/engine";
import { defineReward, type Reward } from "@etalon/rewards";
import { runTrace, thrown } from "@etalon/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Communicator, inProcess, type Metrics, openRun, parseTrainConfig, type RunOptions, soloCommunicator } from "../src/index.ts"; // biome-ignore format: a list
import { fakePipeline } from "./fakePipeline.ts";

let root = "";
beforeAll(async () => {
  await engine("wasm");
  root = mkdtempSync(join(tmpdir(), "etalon-ranks-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const config = (sets: string[] = []) =>
  parseTrainConfig({ engine: "wasm", sampler: { steps: 4, eta: 0.8 }, train: { epochs: 2, promptsPerEpoch: 8, groupSize: 3, microBatch: 3, learningRate: 1e-2, statistics: { minCount: 4 } }, checkpoint: { every: 2, keep: 2 } }, sets); // biome-ignore format: one thought
const bright = defineReward("bright", ({ data, count }) =>
  Float32Array.from({ length: count }, (_, i) => data.subarray(i * 48, i * 48 + 48).reduce((a, b) => a + b) / 48 / 255),
);
const prompts = ["red heart", "blue fish", "cat", "a very long dog", "x"];

interface Trained {
  lines: Metrics[];
  weights: Record<string, number[]>;
}

type Over = Partial<RunOptions> & { until?: number };

/** What one rank does. */
async function rank(communicator: Communicator, over: Over = {}): Promise<Trained> {
  const pipeline = fakePipeline();
  try {
    const options = { config: config(), reward: bright, prompts, pipeline, ...over, communicator };
    const trainer = await openRun(options);
    const lines: Metrics[] = [];
    try {
      for await (const line of trainer) {
        lines.push(line);
        if (line.epoch === over.until) break;
      }
      const variables = pipeline.model.parameters(options.config.train.parameters === "lora" ? "lora" : "all");
      return { lines, weights: Object.fromEntries([...variables].map(([name, v]) => [name, [...v.dataSync()]])) };
    } finally {
      await trainer.close();
    }
  } finally {
    pipeline.dispose();
  }
}

/** A run of so many ranks; what each came to. Waits for all, also where one fails. */
async function run(size: number, over: (at: number) => Over = () => ({})): Promise<Trained[]> {
  const ends = await Promise.allSettled(inProcess(size).map((communicator) => rank(communicator, over(communicator.rank)))); // biome-ignore format: one thought
  const failed = ends.find((end) => end.status === "rejected");
  if (failed) throw failed.reason;
  return ends.map((end) => (end as PromiseFulfilledResult<Trained>).value);
}

const withoutTime = (lines: Metrics[]) => lines.map((line) => ({ ...line, seconds: 0 }));

describe("ranks and one process", () => {
  const cases: [string, string[]][] = [
    ["all parameters", ["train.parameters=all"]],
    ["a micro-batch of two groups", ["train.parameters=all", "train.microBatch=6"]],
    ["groups of two micro-batches", ["train.microBatch=2", "train.groupSize=4"]],
    ["several updates", ["train.updatesPerEpoch=3", "train.epochs=1", "train.microBatch=1"]],
    ["a sum every micro-batch, beside the next", ["train.parameters=all", "parallel.reduceEvery=1"]],
    ["three micro-batches a rank of two", ["train.promptsPerEpoch=12", "train.groupSize=2", "train.microBatch=2"]],
    ["one sum every two micro-batches", ["parallel.reduceEvery=2", "parallel.bucketMB=0.0001"]],
    [
      "groups from one noise, split",
      ["sampler.sharedNoise=true", "parallel.splitGroups=true", "train.advantage=group"],
    ],
    ["a KL term", ["train.kl=0.1", "train.advantage=group"]],
  ];
  test.each(cases)("same bits, metrics too, with 2 and 4: %s", async (_, sets) => {
    const options = () => ({ config: config(sets) });
    const one = await rank(soloCommunicator, options());
    for (const size of [2, 4]) {
      for (const { lines, weights } of await run(size, options)) {
        expect(withoutTime(lines)).toEqual(withoutTime(one.lines));
        expect(weights).toEqual(one.weights);
      }
    }
  });

  const uneven: [number, string[]][] = [
    [3, []],
    [5, []],
    [8, ["train.microBatch=6"]],
    [2, ["parallel.reduceEvery=100"]],
    [4, ["train.bestOf=2"]],
    [4, ["train.stepChoice=each", "train.trainedSteps=2"]],
    [7, ["parallel.splitGroups=true", "train.promptsPerEpoch=3"]],
  ];
  test.each(uneven)(
    "same update to 1e-6 of its size, the pictures and rewards to the bit: %d ranks, %j",
    async (size, more) => {
      const options = () => ({ config: config(["train.parameters=all", "train.epochs=1", ...more]) });
      const start = fakePipeline();
      const before = Object.fromEntries(
        [...start.model.parameters("all")].map(([name, v]) => [name, [...v.dataSync()]]),
      );
      start.dispose();
      const one = await rank(soloCommunicator, options());
      const all = await run(size, options);
      for (const { lines, weights } of all) {
        expect(weights).toEqual(all[0].weights); // every rank has the same
        expect(lines[0].reward).toEqual(one.lines[0].reward);
        expect([lines[0].gradNorm]).toBeAllclose([one.lines[0].gradNorm as number], { rtol: 1e-6 });
        for (const [name, values] of Object.entries(weights)) {
          const moved = values.map((value, i) => value - before[name][i]);
          const truth = one.weights[name].map((value, i) => value - before[name][i]);
          const length = Math.hypot(...truth);
          expect(length).toBeGreaterThan(1e-3);
          expect(Math.hypot(...moved.map((value, i) => value - truth[i])) / length).toBeLessThan(1e-6);
        }
      }
    },
  );

  test("the statistics of prompts are those of one process, and the run folder too", async () => {
    const [alone, shared] = [join(root, "alone"), join(root, "shared")];
    await rank(soloCommunicator, { out: alone });
    await run(4, () => ({ out: shared }));
    expect(runTrace(shared)).toEqual(runTrace(alone));
    expect(readdirSync(join(shared, "samples"))).toEqual(readdirSync(join(alone, "samples")));
  });

  test("leave no tensor behind", async () => {
    await run(2);
    const before = tf.memory().numTensors;
    await run(2);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe("a run that stops", () => {
  test("and goes on with another number of ranks, ends in the same bits", async () => {
    const [whole, cut] = [join(root, "whole"), join(root, "cut")];
    await rank(soloCommunicator, { out: whole, config: config(["train.epochs=6"]) });
    for (const [size, until] of [
      [4, 2],
      [1, 3],
      [2, 4],
      [4, 7],
    ]) {
      // biome-ignore format: a table
      const stop = new AbortController();
      const onProgress = ({ done }: { done: number }) => done === until && stop.abort();
      const options = (at: number) => ({ out: cut, resume: true, config: config(["train.epochs=6"]), ...(at === size - 1 && { signal: stop.signal, onProgress }) }); // biome-ignore format: one thought
      const end = await thrown(() => run(size, options));
      expect(end).toBe(until < 7 ? "ABORTED: The run was stopped." : "nothing");
    }
    expect(runTrace(cut)).toEqual(runTrace(whole));
  });

  test("stops on all ranks where one was told to, in the middle of a rollout too", async () => {
    const stop = new AbortController();
    const onProgress = ({ note }: { note?: string }) => note === "rollout 2/4" && stop.abort();
    const ends = await Promise.all(
      inProcess(3).map((one) => thrown(() => rank(one, one.rank === 1 ? { signal: stop.signal, onProgress } : {}))),
    );
    expect(new Set(ends)).toEqual(new Set(["ABORTED: The run was stopped."]));
  });

  test("one rank leaves between two epochs: the others stop there", async () => {
    const ends = await Promise.all(inProcess(2).map((one) => thrown(() => rank(one, one.rank === 1 ? { until: 1 } : {})))); // biome-ignore format: one thought
    expect(ends).toEqual(["ABORTED: The run was stopped.", "nothing"]);
  });
});

describe("a rank that fails", () => {
  const ends = (size: number, over: (at: number) => Over) =>
    Promise.all(inProcess(size).map((one) => thrown(() => rank(one, over(one.rank)))));

  test("in its reward: all throw its error, and the checkpoint stands", async () => {
    const out = join(root, "reward");
    let calls = 0;
    const moody: Reward = { name: "moody", score: ({ count }) => new Float32Array(calls++ < 2 ? count : count - 1) };
    const all = await ends(2, (at) => ({ out, config: config(["train.epochs=3"]), reward: at === 1 ? moody : bright }));
    expect(all[0]).toMatch(/^BAD_REWARD: Rank 1 on .*: reward moody gave 11 scores for 12 images/);
    expect(all[1]).toBe(all[0]);
    expect(readdirSync(join(out, "checkpoints"))).toContain("000002");
  });

  test("alone, in an update: the others are told which", async () => {
    const failing = { updatePolicy: () => Promise.reject(new Error("no memory is left")) };
    const all = await ends(3, (at) => (at === 2 ? { stages: failing } : {}));
    expect(all[0]).toMatch(/^PEER: Rank 2 on .* stopped the run: no memory is left$/);
    expect(all[1]).toBe(all[0]);
    expect(all[2]).toBe("Error: no memory is left");
  });

  test("on a folder that is taken: all refuse", async () => {
    const out = join(root, "shared");
    expect(existsSync(out)).toBe(true);
    const all = await ends(2, () => ({ out }));
    expect(all[0]).toMatch(/^EXISTS: Rank 0 on .*: out is/);
    expect(all[1]).toBe(all[0]);
  });

  test("with other weights or prompts, or where there is no work: all refuse, by name", async () => {
    const others = await ends(2, (at) => ({ prompts: at === 1 ? ["other"] : prompts }));
    expect(others[1]).toMatch(/^PEER: Rank 1 on .* has other config, prompts or weights than rank 0 on /);
    expect(others[0]).toBe(others[1]);
    expect((await ends(9, () => ({})))[8]).toBe(
      "BAD_CONFIG: the number of ranks is 9; allowed: at most train.promptsPerEpoch, 8. parallel.splitGroups lets a prompt's images lie on several ranks.",
    );
  });
});
