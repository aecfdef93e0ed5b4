import { hostname } from "node:os";
import { setImmediate } from "node:timers/promises";
import { engine, tf } from "@etalon/engine";
import { beforeAll, describe, expect, test } from "vitest";
import { fakePipeline } from "../../test/fakePipeline.ts";
import { parseTrainConfig } from "../config/parseTrainConfig.ts";
import { policyGradients } from "../parts/policyGradients.ts";
import { rollOut } from "../parts/rollOut.ts";
import { trainingPlan } from "../parts/trainingPlan.ts";
import type { Communicator } from "./Communicator.ts";
import { GradientSum } from "./GradientSum.ts";
import { soloCommunicator } from "./soloCommunicator.ts";

beforeAll(() => engine("wasm"));

/** Rank 0 of two, where the other has the same of everything. A sum over the ranks takes a turn of the event loop, as what goes by messages does; `at` is told when one begins and ends. */
const withTwin = (at: (what: "begins" | "ends") => void): Communicator => ({
  ...soloCommunicator,
  size: 2,
  hosts: [hostname(), hostname()],
  allgather: async (bytes) => [bytes, bytes],
  async allreduce(values) {
    at("begins");
    await setImmediate();
    for (const [i, value] of values.entries()) values[i] = 2 * value;
    at("ends");
  },
});

const prompts = ["red heart", "blue fish", "cat", "a very long dog"];
const images = [0, 1, 2, 3];

/** The gradient of four images, a micro-batch each, and how many micro-batches have gone through the model when sums over the ranks begin and end. */
async function gradients(span: number | undefined, twin: boolean, row = false) {
  const pipeline = fakePipeline();
  const passes: string[] = [];
  const predict = pipeline.predict.bind(pipeline);
  let through = 0;
  const counted = Object.assign(Object.create(pipeline), {
    predict: (...inputs: Parameters<typeof predict>) => {
      through += 1;
      return predict(...inputs);
    },
  });
  const plan = trainingPlan(parseTrainConfig({ sampler: { eta: 0.8, steps: 2 } }), pipeline.path, 0); // one step draws noise: a pass a micro-batch
  const rollout = await rollOut({ pipeline, plan, prompts, seed: 3, ids: Uint32Array.from(images) });
  const variables = pipeline.model.parameters("all");
  const communicator = twin ? withTwin((what) => passes.push(`${what} at ${through}`)) : soloCommunicator;
  const sum = new GradientSum({ variables, communicator, span, row });
  through = 0;
  const options = { pipeline: counted, variables, guidance: 1, clip: 0.5, reduction: "mean", microBatch: 1, noiseLevelWeight: 0, kl: 0, sum } as const; // biome-ignore format: one thought
  const { gradients: result } = await policyGradients(options, rollout, Float64Array.of(1.2, -0.7, 0.4, -1.5), images);
  const values = Object.fromEntries(Object.entries(result).map(([name, tensor]) => [name, [...tensor.dataSync()]]));
  tf.dispose(result);
  pipeline.dispose();
  return { passes, values };
}

describe("sums over the ranks", () => {
  test("go on while the next micro-batch goes through the model: one ends when that is done, and before the one after it begins", async () => {
    const { passes } = await gradients(1, true);
    expect(passes).toEqual(["begins at 1", "ends at 2", "begins at 2", "ends at 3", "begins at 3", "ends at 4", "begins at 4", "ends at 4"]); // biome-ignore format: a list
  });

  test("of several micro-batches at once: fewer, and each goes on for as long as the next ones take", async () => {
    const { passes } = await gradients(2, true);
    expect(passes).toEqual(["begins at 2", "ends at 4", "begins at 4", "ends at 4"]);
  });

  test("of all of an update: one, when the last micro-batch is through", async () => {
    const { passes } = await gradients(undefined, true);
    expect(passes).toEqual(["begins at 4", "ends at 4"]);
  });

  test.each([
    [1, false],
    [2, false],
    [3, false],
    [2, true],
    [undefined, false],
    [undefined, true],
  ])("with a twin the mean gradient is that of one process to the bit: span %s, in a row: %s", async (span, row) => {
    const [alone, both] = [await gradients(span, false, row), await gradients(span, true, row)];
    expect(alone.passes).toEqual([]);
    expect(both.values).toEqual(alone.values);
    expect(Math.hypot(...both.values.shift)).toBeGreaterThan(1e-3);
  });
});
