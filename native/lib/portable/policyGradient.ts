import type { Binding } from "../binding.ts";
import type { Elements } from "../Elements.ts";
import { numberToWord, widened } from "./float16.ts";
import { logProbOf, meanAt, notFinite, outputAt, stepOf, widePolicy } from "./policy.ts";
import { treeSum } from "./treeSum.ts";

/** Clipped objective, KL and gradient with respect to the model output.   docs/math.md §4; src/core/policy_gradient.h */
export const policyGradient: Binding["policyGradient"] = (...call) => {
  const [maps, x, outputs, outputsUncond, batch, dim, half, ...objectiveAndOutcome] = call;
  const [state, oldLogp, advantage, clip, mean, klWeight, referenceCond, referenceUncond, ...outcome] =
    objectiveAndOutcome;
  const [loss, ratios, clipped, kl, gradCond, gradUncond] = outcome;
  const policy = widePolicy(x, outputs, outputsUncond, half);
  const { cond, uncond } = policy;
  const write = (array: Elements, i: number, value: number) => {
    array[i] = array instanceof Float32Array ? value : numberToWord(half, value);
  };
  const next = widened(state, half);
  const reference = referenceCond && widened(referenceCond, half);
  const withoutPrompt = referenceUncond && widened(referenceUncond, half);
  for (let s = 0; s < batch; s++) {
    const step = stepOf(maps, s);
    const first = s * dim;
    /** mean − mean_ref at an element; 0 without a reference. */
    const shiftAt = (i: number) => {
      if (reference === null) return 0;
      const output = outputAt(cond, uncond, step.guidance, i);
      return step.b * (output - outputAt(reference, withoutPrompt, step.guidance, i));
    };
    const squares = treeSum(dim, (i) => (next[first + i] - meanAt(policy, step, first + i)) ** 2);
    const shifts = reference === null ? 0 : treeSum(dim, (i) => shiftAt(first + i) ** 2);
    const scale = mean ? 1 / dim : 1;
    const perVariance = scale / (step.std * step.std);
    const logp = logProbOf(squares, step.std, dim);
    const ratio = Math.exp((logp - oldLogp[s]) * scale);
    const plain = -advantage[s] * ratio;
    const bounded = -advantage[s] * Math.min(Math.max(ratio, 1 - clip), 1 + clip);
    const flows = plain >= bounded;
    kl[s] = 0.5 * shifts * perVariance;
    ratios[s] = ratio;
    loss[s] = Math.max(plain, bounded) + klWeight * kl[s];
    clipped[s] = ratio < 1 - clip || ratio > 1 + clip ? 1 : 0;
    if (![logp, ratio, loss[s]].every(Number.isFinite)) throw notFinite(s); // −∞ would give a ratio of 0, and NaN for a gradient
    const onResidual = flows ? plain * step.b * perVariance : 0;
    const onShift = klWeight * step.b * perVariance;
    for (let i = first; i < first + dim; i++) {
      const gradient = (next[i] - meanAt(policy, step, i)) * onResidual + shiftAt(i) * onShift;
      write(gradCond, i, gradUncond === null ? gradient : step.guidance * gradient);
      if (gradUncond !== null) write(gradUncond, i, (1 - step.guidance) * gradient);
    }
  }
};
