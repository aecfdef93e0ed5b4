import { EtalonError } from "@etalon/errors";
import type { StepMap } from "@etalon/gddim";
import { logProb, type PolicyGradient, type PolicyGradientOptions, policyGradient } from "@etalon/native";

/** What `policyGradient` takes, float32 and with one map, and the noise in the place of the old log-probabilities. */
export interface NormalisedOptions extends Omit<PolicyGradientOptions, "oldLogp"> {
  next: Float32Array;
  x: Float32Array;
  cond: Float32Array;
  uncond?: Float32Array;
  map: StepMap;
  /** The noise that the step drew, B·dim: μ_old = next − std·z. */
  z: Float32Array;
}

/**
 * `policyGradient` with GRPO-Guard's normalised ratio in the place of the densities' ratio: log r = (log p − log p_old + ‖μ − μ_old‖²/(2 std²)) · std = ⟨z, μ − μ_old⟩, over D
 * for 'mean'. Its mean over z is 0, where that of the densities' log ratio is below; how far it spreads depends on the noise level through μ only. Its gradient is z·b.
 * After Wang et al., arXiv:2510.22319, and yifan123/flow_grpo: scripts/train_sd3_GRPO_Guard.py; their re-weighting by 1/Δt is `gradientWeight`.
 * @throws EtalonError as `policyGradient`
 */
export function normalisedPolicyGradient(options: NormalisedOptions): PolicyGradient {
  const { z, next, x, cond, uncond, guidance = 1, map, advantage, clip, reduction, dim } = options;
  const { a, b, std } = map;
  // With advantage 0 the kernel's loss and gradient are those of the KL alone; at its own log-probabilities its ratio is 1, whatever the densities'.
  const still = { oldLogp: logProb({ ...options, out: undefined }), advantage: new Float64Array(advantage.length) };
  const result = policyGradient({ ...options, ...still });
  const divisor = reduction === "mean" ? dim : 1;
  for (let i = 0; i < advantage.length; i++) {
    const [begin, end] = [i * dim, (i + 1) * dim];
    let sum = 0;
    for (let k = begin; k < end; k++) {
      const o = uncond === undefined ? cond[k] : uncond[k] + guidance * (cond[k] - uncond[k]);
      sum += z[k] * (a * x[k] + b * o - (next[k] - std * z[k]));
    }
    const ratio = Math.exp(sum / divisor);
    if (!Number.isFinite(ratio)) throw new EtalonError("NOT_FINITE", { argument: `the normalised ratio of sample ${i}`, value: ratio, allowed: "a finite number" }); // biome-ignore format: one thought
    const bounded = Math.max(1 - clip, Math.min(1 + clip, ratio));
    const plain = -advantage[i] * ratio;
    const kept = plain >= -advantage[i] * bounded;
    result.ratio[i] = ratio;
    result.clipped[i] = ratio === bounded ? 0 : 1;
    result.loss[i] += kept ? plain : -advantage[i] * bounded;
    if (!kept) continue;
    const scale = (plain * b) / divisor;
    for (let k = begin; k < end; k++) {
      result.gradCond[k] += (uncond === undefined ? 1 : guidance) * scale * z[k];
      if (result.gradUncond) result.gradUncond[k] += (1 - guidance) * scale * z[k];
    }
  }
  return result;
}
