import { check } from "@etalon/errors";
import { mapsOf, perSample } from "../arguments.ts";
import { policyGradient as policyGradientOfArrays } from "../policyGradient.ts";
import { engine, type TensorLike } from "./engine.ts";
import type { LogProbOptions } from "./logProb.ts";
import { runOp } from "./ops.ts";
import { batchOf, guidanceOf, shaped } from "./tensors.ts";
import { reader } from "./values.ts";
import { way } from "./way.ts";

/** A step to learn from: the step itself, as for `logProb`, and what came of it. */
export interface PolicyGradientOptions<T extends TensorLike = TensorLike> extends LogProbOptions<T> {
  /** Log-probabilities under the policy that drew the step, summed over a sample, as `rollout` and `logProb` give them: B. */
  oldLogp: ArrayLike<number>;
  /** Advantages: B. */
  advantage: ArrayLike<number>;
  /** The ratio is clipped to [1 − clip, 1 + clip]; ≥ 0. */
  clip: number;
  /** 'mean' divides both log-probabilities, the KL and the gradient by a sample's elements (ddpo-pytorch, MixGRPO); 'sum' is the true density. */
  reduction: "mean" | "sum";
  /** KL to a frozen reference at the same step: its weight β ≥ 0 and the reference model's outputs. */
  kl?: { weight: number; cond: T; uncond?: T };
}

/** All per sample, without division by B. */
export interface PolicyGradient<T extends TensorLike = TensorLike> {
  /** max(−A·ratio, −A·clip(ratio)) + β·kl. */
  loss: Float64Array;
  /** exp(log p − log p_old), of the reduced log-probabilities. */
  ratio: Float64Array;
  /** 1 where |ratio − 1| > clip, else 0. */
  clipped: Float64Array;
  /** ‖mean − mean_ref‖² / (2 std²), before the weight; 0 without `kl`. */
  kl: Float64Array;
  /** ∂loss/∂cond: a new tensor of its shape. */
  gradCond: T;
  /** ∂loss/∂uncond; only where `uncond` is given. */
  gradUncond?: T;
}

/**
 * The clipped policy objective of a step, KL included, and its gradient with respect to the model's output: `policyGradient` of @etalon/native, to the bit, on tensors where
 * they lie. Seed the model's backward pass with it: tf.grad(model)(x, gradCond).   docs/math.md §4
 * @returns gradients that the caller (or tf.tidy) disposes    @throws EtalonError as `rollout`, and OUT_OF_RANGE: std = 0. No tensor is left over then
 */
export function policyGradient<T extends TensorLike>(options: PolicyGradientOptions<T>): PolicyGradient<T> {
  const { next, x, cond, uncond, map, clip, reduction, kl } = options;
  const { shape, batch, dim } = batchOf("x", x);
  shaped("cond", cond, shape, "x");
  shaped("next", next, shape, "x");
  if (uncond !== undefined) shaped("uncond", uncond, shape, "x");
  const guidance = guidanceOf(options.guidance, uncond);
  const maps = mapsOf(map, guidance, batch, "policy gradient");
  const oldLogp = perSample("oldLogp", options.oldLogp, batch);
  const advantage = perSample("advantage", options.advantage, batch);
  check.range("clip", clip, { min: 0 });
  const mean = check.oneOf("reduction", reduction, ["mean", "sum"]) === "mean";
  const klWeight = kl === undefined ? 0 : check.range("kl.weight", kl.weight, { min: 0 });
  const klCond = kl && shaped("kl.cond", kl.cond, shape, "x");
  const klUncond = kl && uncond && shaped("kl.uncond", kl.uncond as T, shape, "x");
  const tf = engine();
  if (way().name === "ops") {
    const guided = uncond === undefined ? 0 : 1;
    const { tensors, scalars } = runOp(tf, {
      name: "EtalonPolicyGradient",
      lists: { guided, references: kl === undefined ? 0 : 1 + guided },
      inputs: { x, cond, next, uncond, "kl.cond": klCond, "kl.uncond": klUncond },
      params: { batch, maps, objective: { mean, clip, klWeight, oldLogp, advantage } },
      tensors: 1 + guided,
    });
    const [loss, ratio, clipped, kls] = [0, 1, 2, 3].map((row) => scalars.slice(row * batch, (row + 1) * batch));
    const [gradCond, gradUncond] = tensors as T[];
    return { loss, ratio, clipped, kl: kls, gradCond, ...(gradUncond && { gradUncond }) };
  }
  const values = reader(tf, [next, x, cond, uncond, klCond, klUncond]);
  const reference = klCond && { weight: klWeight, cond: values(klCond), uncond: klUncond && values(klUncond) };
  const arrays = { next: values(next), x: values(x), cond: values(cond), uncond: uncond && values(uncond) };
  const objective = { oldLogp, advantage, clip, reduction, kl: reference };
  const { gradCond, gradUncond, ...scalars } = policyGradientOfArrays({ ...arrays, guidance, map, dim, ...objective });
  const tensor = (gradient: Float32Array) => tf.makeTensor(gradient, shape, "float32") as T;
  return { ...scalars, gradCond: tensor(gradCond), ...(gradUncond && { gradUncond: tensor(gradUncond) }) };
}
