import { type AdamW, clipGlobalNorm, tf } from "@etalon/engine";
import { EtalonError } from "@etalon/errors";
import { type PolicyOptions, type PolicyReport, policyGradients } from "./policyGradients.ts";
import type { Rollout } from "./rollOut.ts";

/** What one optimiser step did. */
export interface UpdateReport extends PolicyReport {
  /** Global L2 norm before it was cut; null where it was not finite. */
  gradNorm: number | null;
  /** Whether the step was left out, since its gradient was not finite: nothing has changed then. */
  skipped: boolean;
}

/** One optimiser step on some images of a rollout: gradient, cut to `maxGradNorm`, AdamW. A gradient that is not finite changes nothing. */
export function updatePolicy(
  options: PolicyOptions & { optimiser: AdamW; maxGradNorm: number },
  rollout: Rollout,
  advantages: Float64Array,
  images: readonly number[],
): UpdateReport {
  let raw: ReturnType<typeof policyGradients>;
  try {
    raw = policyGradients(options, rollout, advantages, images);
  } catch (error) {
    if (!(EtalonError.is(error) && error.code === "NOT_FINITE")) throw error;
    return { loss: 0, ratio: { mean: 1, max: 1 }, clipFraction: 0, kl: 0, gradNorm: null, skipped: true };
  }
  const { gradients, norm } = clipGlobalNorm(raw.gradients, options.maxGradNorm);
  const finite = Number.isFinite(norm);
  if (finite) options.optimiser.step(gradients);
  tf.dispose([raw.gradients, gradients]);
  return { ...raw.report, gradNorm: finite ? norm : null, skipped: !finite };
}
