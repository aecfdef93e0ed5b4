import { check } from "@etalon/errors";
import { batchOf, dimOf, floats, guidanceOf, mapsOf, perSample } from "./arguments.ts";
import { call } from "./call.ts";
import type { LogProbOptions } from "./logProb.ts";

/** A step to learn from: the step itself, as for `logProb`, and what came of it. */
export interface PolicyGradientOptions extends LogProbOptions {
  /** Log-probabilities under the policy that drew the step, summed over dim, as `rollout` and `logProb` give them: B. */
  oldLogp: ArrayLike<number>;
  /** Advantages: B. */
  advantage: ArrayLike<number>;
  /** The ratio is clipped to [1 − clip, 1 + clip]; ≥ 0. */
  clip: number;
  /** 'mean' divides both log-probabilities, the KL and the gradient by dim (ddpo-pytorch, MixGRPO); 'sum' is the true density. */
  reduction: "mean" | "sum";
  /** KL to a frozen reference at the same step: its weight β ≥ 0 and the reference model's outputs, B·dim each. */
  kl?: { weight: number; cond: Float32Array; uncond?: Float32Array };
}

/** All per sample, without division by B. */
export interface PolicyGradient {
  /** max(−A·ratio, −A·clip(ratio)) + β·kl. */
  loss: Float64Array;
  /** exp(log p − log p_old), of the reduced log-probabilities. */
  ratio: Float64Array;
  /** 1 where |ratio − 1| > clip, else 0; also where the objective keeps the unclipped branch, as ddpo-pytorch counts. */
  clipped: Float64Array;
  /** ‖mean − mean_ref‖² / (2 std²), before the weight; 0 without `kl`. */
  kl: Float64Array;
  /** ∂loss/∂cond: B·dim. */
  gradCond: Float32Array;
  /** ∂loss/∂uncond: B·dim; only where `uncond` is given. */
  gradUncond?: Float32Array;
}

/**
 * The clipped policy objective of a step, KL included, and its gradient with respect to the model's output: seed the model's backward pass with it.
 * Two passes over the elements. docs/math.md §4; PPO's clip, arXiv:1707.06347, as in DDPO, arXiv:2305.13301.
 * @throws EtalonError BAD_TYPE, BAD_SHAPE, OUT_OF_RANGE: an argument, std = 0 included; NOT_FINITE: NaN or infinity in an array, or a ratio beyond a double
 */
export function policyGradient(options: PolicyGradientOptions): PolicyGradient {
  const { next, x, cond, uncond, kl } = options;
  const dim = dimOf(options.dim);
  const batch = batchOf(x, dim);
  const hint = `It is [${batch} samples, dim = ${dim}], as x.`;
  floats("cond", cond, x.length, hint);
  if (uncond !== undefined) floats("uncond", uncond, x.length, hint);
  floats("next", next, x.length, hint);
  const guidance = guidanceOf(options.guidance, uncond);
  const maps = mapsOf(options.map, guidance, batch, "policy gradient");
  if (kl !== undefined) {
    floats("kl.cond", kl.cond, x.length, hint);
    if (uncond !== undefined) floats("kl.uncond", kl.uncond, x.length, hint);
  }
  const objective = {
    next,
    oldLogp: perSample("oldLogp", options.oldLogp, batch),
    advantage: perSample("advantage", options.advantage, batch),
    clip: check.range("clip", options.clip, { min: 0 }),
    mean: check.oneOf("reduction", options.reduction, ["mean", "sum"]) === "mean",
    klWeight: kl === undefined ? 0 : check.range("kl.weight", kl.weight, { min: 0 }),
    referenceCond: kl?.cond ?? null,
    referenceUncond: uncond === undefined ? null : (kl?.uncond ?? null),
  };
  const outcome = {
    loss: new Float64Array(batch),
    ratio: new Float64Array(batch),
    clipped: new Float64Array(batch),
    kl: new Float64Array(batch),
    gradCond: new Float32Array(x.length),
    gradUncond: uncond === undefined ? null : new Float32Array(x.length),
  };
  call((binding) => binding.policyGradient(maps, { x, cond, uncond: uncond ?? null, batch, dim }, objective, outcome), {
    next,
    x,
    cond,
    uncond,
    "kl.cond": kl?.cond,
    "kl.uncond": kl?.uncond,
  });
  const { gradUncond, ...rest } = outcome;
  return gradUncond === null ? rest : { ...rest, gradUncond };
}
