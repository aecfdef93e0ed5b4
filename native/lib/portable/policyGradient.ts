import type { Binding, RawObjective, RawPolicy } from "../binding.ts";
import { logProbOf, meanAt, notFinite, outputAt, type Step, stepOf } from "./policy.ts";
import { treeSum } from "./treeSum.ts";

/** Clipped objective, KL and gradient with respect to the model output.   docs/math.md §4; src/core/policy_gradient.h */
export const policyGradient: Binding["policyGradient"] = (maps, policy, objective, outcome) => {
  const { batch, dim } = policy;
  const { next, clip } = objective;
  for (let s = 0; s < batch; s++) {
    const step = stepOf(maps, s);
    const first = s * dim;
    const squares = treeSum(dim, (i) => (next[first + i] - meanAt(policy, step, first + i)) ** 2);
    const shifts =
      objective.referenceCond !== null ? treeSum(dim, (i) => shiftAt(policy, objective, step, first + i) ** 2) : 0;
    const scale = objective.mean ? 1 / dim : 1;
    const perVariance = scale / (step.std * step.std);
    const logp = logProbOf(squares, step.std, dim);
    const ratio = Math.exp((logp - objective.oldLogp[s]) * scale);
    const plain = -objective.advantage[s] * ratio;
    const bounded = -objective.advantage[s] * Math.min(Math.max(ratio, 1 - clip), 1 + clip);
    const flows = plain >= bounded;
    outcome.kl[s] = 0.5 * shifts * perVariance;
    outcome.ratio[s] = ratio;
    outcome.loss[s] = Math.max(plain, bounded) + objective.klWeight * outcome.kl[s];
    outcome.clipped[s] = ratio < 1 - clip || ratio > 1 + clip ? 1 : 0;
    if (![logp, ratio, outcome.loss[s]].every(Number.isFinite)) throw notFinite(s); // −∞ would give a ratio of 0, and NaN for a gradient
    const onResidual = flows ? plain * step.b * perVariance : 0;
    const onShift = objective.klWeight * step.b * perVariance;
    for (let i = first; i < first + dim; i++) {
      const shift = objective.referenceCond !== null ? shiftAt(policy, objective, step, i) : 0;
      const gradient = (next[i] - meanAt(policy, step, i)) * onResidual + shift * onShift;
      outcome.gradCond[i] = outcome.gradUncond === null ? gradient : step.guidance * gradient;
      if (outcome.gradUncond !== null) outcome.gradUncond[i] = (1 - step.guidance) * gradient;
    }
  }
};

/** mean − mean_ref at an element. */
function shiftAt(policy: RawPolicy, { referenceCond, referenceUncond }: RawObjective, step: Step, i: number): number {
  const output = outputAt(policy.cond, policy.uncond, step.guidance, i);
  return step.b * (output - outputAt(referenceCond!, referenceUncond, step.guidance, i));
}
