import { check } from "@etalon/errors";
import { alike, apart, elements, perSample, scalars } from "./arguments.ts";
import type { Half, PolicyGradientCall, RawObjective, RawOutcome } from "./binding.ts";
import { call, type Inputs } from "./call.ts";
import type { Elements } from "./Elements.ts";
import { givenStep } from "./givenStep.ts";
import { refuseBusy } from "./inProgress.ts";
import { checkInputs } from "./inspect.ts";
import type { LogProbOptions } from "./logProb.ts";

/** A step to learn from: the step itself, as for `logProb`, and what came of it. */
export interface PolicyGradientOptions<G extends Elements = Float32Array> extends LogProbOptions {
  /** Log-probabilities under the policy that drew the step, summed over dim, as `rollout` and `logProb` give them: B. */
  oldLogp: ArrayLike<number>;
  /** Advantages: B. */
  advantage: ArrayLike<number>;
  /** The ratio is clipped to [1 − clip, 1 + clip]; ≥ 0. */
  clip: number;
  /** 'mean' divides both log-probabilities, the KL and the gradient by dim (ddpo-pytorch, MixGRPO); 'sum' is the true density. */
  reduction: "mean" | "sum";
  /** KL to a frozen reference at the same step: its weight β ≥ 0 and the reference model's outputs, of cond's kind, B·dim each. */
  kl?: { weight: number; cond: Elements; uncond?: Elements };
  /** Where to put the results: those of an earlier call, say. Uint16Arrays take gradients of `dtype`. Default: new arrays, gradients float32 whatever the inputs are. */
  out?: PolicyGradient<G>;
}

/** All per sample, without division by B. */
export interface PolicyGradient<G extends Elements = Float32Array> {
  /** max(−A·ratio, −A·clip(ratio)) + β·kl. */
  loss: Float64Array;
  /** exp(log p − log p_old), of the reduced log-probabilities. */
  ratio: Float64Array;
  /** 1 where |ratio − 1| > clip, else 0; also where the objective keeps the unclipped branch, as ddpo-pytorch counts. */
  clipped: Float64Array;
  /** ‖mean − mean_ref‖² / (2 std²), before the weight; 0 without `kl`. */
  kl: Float64Array;
  /** ∂loss/∂cond: B·dim. */
  gradCond: G;
  /** ∂loss/∂uncond: B·dim; only where `uncond` is given. */
  gradUncond?: G;
}

/**
 * The clipped policy objective of a step, KL included, and its gradient with respect to the model's output: seed the model's backward pass with it.
 * Two passes over the elements. docs/math.md §4; PPO's clip, arXiv:1707.06347, as in DDPO, arXiv:2305.13301.
 * @throws EtalonError BAD_TYPE, BAD_SHAPE, OUT_OF_RANGE: an argument, std = 0 included; NOT_FINITE: NaN or infinity in an array, or a ratio beyond a double
 */
export function policyGradient<G extends Elements = Float32Array>(
  options: PolicyGradientOptions<G>,
): PolicyGradient<G> {
  const { args, inputs, half, result } = policyGradientCall(options);
  call((binding) => binding.policyGradient(...args), inputs, half);
  return result;
}

/** Checks the arguments and makes room for the results: what the call here and the one off the thread share. */
export function policyGradientCall<G extends Elements>(
  options: PolicyGradientOptions<G>,
): { args: PolicyGradientCall; inputs: Inputs; half: Half; outcome: RawOutcome; result: PolicyGradient<G> } {
  const { x, cond, uncond, kl } = options;
  const { policy, batch, half, next, hint } = givenStep(options, "policy gradient");
  if (kl !== undefined) {
    alike("kl.cond", kl.cond, cond, "cond", hint);
    if (uncond !== undefined) alike("kl.uncond", kl.uncond, cond, "cond", hint);
  }
  const objective: RawObjective = [
    next,
    perSample("oldLogp", options.oldLogp, batch),
    perSample("advantage", options.advantage, batch),
    check.range("clip", options.clip, { min: 0 }),
    check.oneOf("reduction", options.reduction, reductions) === "mean",
    kl === undefined ? 0 : check.range("kl.weight", kl.weight, { min: 0 }),
    kl?.cond ?? null,
    uncond === undefined ? null : (kl?.uncond ?? null),
  ];
  const inputs: Inputs = { next, x, cond, uncond, "kl.cond": kl?.cond, "kl.uncond": kl?.uncond };
  const outcome = outcomeOf(options, batch, half, hint, inputs);
  if (options.check !== undefined) checkInputs(inputs, half, options.check);
  return { args: [...policy, ...objective, ...outcome], inputs, half, outcome, result: options.out ?? named(outcome) };
}

const reductions = ["mean", "sum"] as const;

/** The results by their names. */
function named<G extends Elements>([loss, ratio, clipped, kl, gradCond, gradUncond]: RawOutcome): PolicyGradient<G> {
  const outcome = { loss, ratio, clipped, kl, gradCond: gradCond as G };
  return gradUncond === null ? outcome : { ...outcome, gradUncond: gradUncond as G };
}

/** New arrays for the results, or the caller's, checked. @throws EtalonError BAD_TYPE, BAD_SHAPE, BUSY */
function outcomeOf(
  { out, x, uncond }: PolicyGradientOptions<Elements>,
  batch: number,
  half: Half,
  hint: string,
  inputs: Inputs,
): RawOutcome {
  const { length } = x;
  if (out === undefined) {
    const room = () => new Float64Array(batch);
    const gradUncond = uncond === undefined ? null : new Float32Array(length);
    return [room(), room(), room(), room(), new Float32Array(length), gradUncond];
  }
  const numbers = (name: "loss" | "ratio" | "clipped" | "kl") =>
    scalars(`out.${name}`, out[name] ?? (null as unknown as Float64Array), batch);
  const gradCond = elements("out.gradCond", out.gradCond, length, half, hint);
  const gradUncond =
    uncond === undefined ? null : alike("out.gradUncond", out.gradUncond, gradCond, "out.gradCond", hint);
  refuseShared("out.gradCond", gradCond, inputs);
  if (gradUncond !== null) {
    apart("out.gradCond", gradCond, { "out.gradUncond": gradUncond });
    refuseShared("out.gradUncond", gradUncond, inputs);
  }
  return [numbers("loss"), numbers("ratio"), numbers("clipped"), numbers("kl"), gradCond, gradUncond];
}

/** An output that shares memory with no input and with no output of a call in progress. @throws EtalonError BAD_SHAPE, BUSY */
function refuseShared(name: string, gradient: Elements, inputs: Inputs): void {
  apart(name, gradient, inputs);
  refuseBusy(name, gradient);
}
