import * as arrays from "@etalon/native";
import { logProb, policyGradient, rollout, way } from "@etalon/native/tfjs";
import { describe, expect, test } from "vitest";
import { engine } from "../engine.ts";
import { installedEngines } from "../installedEngines.ts";
import { tf } from "../tf.ts";

const data = [1, 2, 3].map((salt) => Float32Array.from({ length: 2 * 60 }, (_, i) => Math.sin(13 * i + salt)));
const map = { a: 0.9, b: -0.3, std: 0.4 };
const key = { seed: 3n, step: 2, samples: Uint32Array.of(4, 9) };

/** @etalon/native/tfjs looks into a backend's memory by the shape of its methods: on every engine it must find them, and give the plain face's bits. */
describe.each(installedEngines())("%s", (name) => {
  test("gives @etalon/native/tfjs its tensors where they lie, and the plain face's bits", async () => {
    await engine(name);
    const found = { native: "memory", wasm: "memory", "tfjs-node": "ops", "tfjs-node-gpu": "ops" }[name];
    if (arrays.backend().name !== "portable") expect(way().name).toBe(found);
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const [x, cond, uncond] = data.map((values) => tf.tensor(values, [2, 3, 20]));
      const given = { cond: cond.add(0), uncond, guidance: 2, map };
      const plain = { x: data[0], cond: data[1], uncond: data[2], guidance: 2, map, dim: 60 };
      const { next, logp } = rollout({ ...given, x, key });
      const want = arrays.rollout({ ...plain, key });
      expect(next.dataSync()).toEqual(want.next);
      expect(logp).toEqual(want.logp);
      expect(logProb({ ...given, x, next })).toEqual(want.logp);
      const goal = { oldLogp: logp.map((p) => p - 1), advantage: [1, -1], clip: 1, reduction: "mean" } as const;
      const { gradCond, gradUncond, loss } = policyGradient({ ...given, ...goal, x, next });
      const wanted = arrays.policyGradient({ ...plain, ...goal, next: want.next });
      expect(loss).toEqual(wanted.loss);
      expect(gradCond.dataSync()).toEqual(wanted.gradCond);
      expect(gradUncond!.dataSync()).toEqual(wanted.gradUncond);
      expect(gradCond.add(1).dataSync()[7]).toBe(Math.fround(wanted.gradCond[7] + 1));
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});
