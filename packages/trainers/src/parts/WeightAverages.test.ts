import { engine, tf, type Variable } from "@etalon/engine";
import { beforeAll, expect, test } from "vitest";
import { WeightAverages } from "./WeightAverages.ts";

beforeAll(() => engine("wasm"));

test("averages stand in for the weights, and the weights come back to the bit, also after an error", async () => {
  const before = tf.memory().numTensors;
  const weight = tf.variable(tf.tensor1d([1, 2]));
  const averages = new WeightAverages(new Map<string, Variable>([["w", weight]]), 0.5);
  weight.assign(tf.tidy(() => weight.mul(3)));
  averages.step(1); // (1 + 1)/(10 + 1) of the old average
  const seen = await averages.use(async () => weight.dataSync().slice());
  expect([...seen].map((v) => Math.round(v * 1e5) / 1e5)).toEqual([2.63636, 5.27273]);
  expect([...weight.dataSync()]).toEqual([3, 6]);
  await expect(averages.use(() => Promise.reject(new Error("stop")))).rejects.toThrow("stop");
  expect([...weight.dataSync()]).toEqual([3, 6]);
  weight.assign(tf.tidy(() => weight.add(1)));
  averages.step(2);
  expect([...seen][0]).toBeCloseTo(29 / 11, 5); // what was read is not written again
  averages.dispose();
  weight.dispose();
  tf.disposeVariables();
  expect(tf.memory().numTensors).toBeLessThanOrEqual(before + 3); // the tensors made here by hand
});
