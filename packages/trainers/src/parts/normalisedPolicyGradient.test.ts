import { flowSdeStep, gddimStep, type StepMap } from "@etalon/gddim";
import { normal, policyGradient, rollout } from "@etalon/native";
import { rectifiedFlow } from "@etalon/schedules";
import "@etalon/testkit";
import { describe, expect, test } from "vitest";
import { type NormalisedOptions, normalisedPolicyGradient } from "./normalisedPolicyGradient.ts";
import { stepWeight } from "./stepWeight.ts";

const [batch, dim] = [3, 40];
const flow = rectifiedFlow({ prediction: "velocity" });
const draw = (step: number) => normal({ key: { seed: 5n, step, samples: Uint32Array.of(0, 1, 2) }, dim });
const [x, old, oldUncond, ref] = [draw(1), draw(2), draw(3), draw(4)];
const advantage = Float64Array.of(1.3, -0.8, 0.5);

/** A step drawn by the old outputs, and its noise. */
function drawn(map: StepMap, guidance: number) {
  const key = { seed: 9n, step: 1, samples: Uint32Array.of(0, 1, 2) };
  const uncond = guidance === 1 ? undefined : oldUncond;
  const { next, logp } = rollout({ x, cond: old, uncond, guidance, map, key, dim });
  return { next, logp, z: normal({ key, dim }) };
}

const moved = (from: Float32Array, by: number) => from.map((v, k) => v + by * Math.sin(3 * k));

describe.each([
  ["gddim, mean", gddimStep(flow, 0.6, 0.5, 1.2), "mean", 1],
  ["gddim, sum, guidance", gddimStep(flow, 0.9, 0.8, 0.7), "sum", 2.5],
  ["flow-sde, mean, guidance", flowSdeStep(flow, 0.3, 0.2, 0.7), "mean", 4],
] as const)("%s", (_, map, reduction, guidance) => {
  const { next, z, logp } = drawn(map, guidance);
  const uncond = guidance === 1 ? undefined : moved(oldUncond, 0.02);
  const options: NormalisedOptions = { next, x, z, cond: moved(old, 0.05), uncond, guidance, map, advantage, clip: 10, reduction, dim }; // biome-ignore format: one thought
  const guided = (cond: Float32Array, without: Float32Array | undefined, k: number) =>
    without ? without[k] + guidance * (cond[k] - without[k]) : cond[k];

  test("the ratio is exp⟨z, μ − μ_old⟩, and the published form of it", () => {
    const { ratio } = normalisedPolicyGradient(options);
    const divisor = reduction === "mean" ? dim : 1;
    const wide = policyGradient({ ...options, oldLogp: logp, reduction: "sum" }); // log r of the densities
    for (let i = 0; i < batch; i++) {
      let [inner, square] = [0, 0];
      for (let k = i * dim; k < (i + 1) * dim; k++) {
        const shift = map.b * (guided(options.cond, uncond, k) - guided(old, uncond && oldUncond, k));
        inner += z[k] * shift;
        square += shift * shift;
      }
      expect(Math.log(ratio[i])).toBeCloseTo(inner / divisor, 5);
      const theirs = (Math.log(wide.ratio[i]) + square / (2 * map.std ** 2)) * map.std;
      expect(Math.log(ratio[i])).toBeCloseTo(theirs / divisor, 5);
    }
  });

  test("is 1 for the outputs that drew the step", () => {
    const same = normalisedPolicyGradient({ ...options, cond: old, uncond: uncond && oldUncond });
    for (const ratio of same.ratio) expect(Math.abs(ratio - 1)).toBeLessThan(1e-6);
  });

  test("its gradient is that of its loss, by finite differences, KL included", () => {
    const kl = { weight: 0.3, cond: ref, uncond: uncond && ref };
    const { gradCond, gradUncond } = normalisedPolicyGradient({ ...options, kl });
    const total = (cond: Float32Array, without: Float32Array | undefined) =>
      normalisedPolicyGradient({ ...options, kl, cond, uncond: without }).loss.reduce((a, b) => a + b);
    const slope = (values: Float32Array, at: number, loss: (values: Float32Array) => number) => {
      const by = (d: number) => values.map((v, k) => (k === at ? v + d : v));
      return (loss(by(0.01)) - loss(by(-0.01))) / (by(0.01)[at] - by(-0.01)[at]);
    };
    const picks = [0, 17, 41, 100, 119];
    expect(picks.map((k) => gradCond[k])).toBeAllclose(picks.map((k) => slope(options.cond, k, (cond) => total(cond, uncond))), { rtol: 1e-3, atol: 1e-6 }); // biome-ignore format: one thought
    if (uncond && gradUncond)
      expect(picks.map((k) => gradUncond[k])).toBeAllclose(picks.map((k) => slope(uncond, k, (without) => total(options.cond, without))), { rtol: 1e-3, atol: 1e-6 }); // biome-ignore format: one thought
  });

  test("clips as PPO does: no gradient where the objective takes the clipped branch", () => {
    const clip = 1e-3;
    const { ratio, loss, clipped, gradCond } = normalisedPolicyGradient({ ...options, clip });
    for (let i = 0; i < batch; i++) {
      const bounded = Math.max(1 - clip, Math.min(1 + clip, ratio[i]));
      expect(loss[i]).toBe(Math.max(-advantage[i] * ratio[i], -advantage[i] * bounded));
      expect(clipped[i]).toBe(Math.abs(ratio[i] - 1) > clip ? 1 : 0);
      const still = gradCond.subarray(i * dim, (i + 1) * dim).every((g) => g === 0);
      expect(still).toBe(-advantage[i] * ratio[i] < -advantage[i] * bounded);
    }
  });

  test("on-policy, c/|b| with it and c·std/|b| with the densities' ratio are one gradient", () => {
    const same = { ...options, cond: old, uncond: uncond && oldUncond, clip: 1e-2 };
    const [guard, level] = [stepWeight(map, { noiseLevelWeight: 0, gradientWeight: 4 }), stepWeight(map, { noiseLevelWeight: 4 })]; // biome-ignore format: one thought
    const ours = policyGradient({ ...same, oldLogp: logp }).gradCond.map((g) => g * level);
    const theirs = normalisedPolicyGradient(same).gradCond.map((g) => g * guard);
    const scale = Math.max(...ours.map(Math.abs));
    expect(theirs).toBeAllclose(ours, { atol: 1e-5 * scale });
  });
});

test("on Flow-SDE |b| is Δt·(1 + η²/2) at every step: c/|b| is GRPO-Guard's 1/Δt but for a factor", () => {
  for (const [t, s] of [[0.95, 0.9], [0.5, 0.4], [0.2, 0.15]]) expect(Math.abs(flowSdeStep(flow, t, s, 0.7).b)).toBeCloseTo((t - s) * (1 + 0.7 ** 2 / 2), 12); // biome-ignore format: one thought
});

test("a ratio beyond a double is refused", () => {
  const map = gddimStep(flow, 0.6, 0.5, 1.2);
  const { next, z } = drawn(map, 1);
  const cond = old.map((v, k) => v - 1e3 * Math.sign(z[k]));
  expect(() => normalisedPolicyGradient({ next, x, z, cond, map, advantage, clip: 1, reduction: "sum", dim })).toThrow(/ratio/); // biome-ignore format: one thought
});
