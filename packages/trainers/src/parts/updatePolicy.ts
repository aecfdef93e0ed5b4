import { type AdamW, clipFactor, type NamedTensorMap, tf } from "@etalon/engine";
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

/** What is told of a step that was left out. */
const idle: UpdateReport = { loss: 0, ratio: { mean: 1, max: 1 }, clipFraction: 0, kl: 0, gradNorm: null, skipped: true }; // biome-ignore format: one thought

/** What one optimiser step is made of. */
export interface UpdateOptions extends PolicyOptions {
  optimiser: AdamW;
  maxGradNorm: number;
  /** Of this step. Default: the optimiser's own. */
  learningRate?: number;
}

/** One optimiser step on some images of a rollout: gradient, cut to `maxGradNorm`, AdamW. A gradient that is not finite changes nothing. */
export async function updatePolicy(
  options: UpdateOptions,
  rollout: Rollout,
  advantages: Float64Array,
  images: readonly number[],
): Promise<UpdateReport> {
  const { gradients, report } = await policyGradients(options, rollout, advantages, images);
  try {
    const cut = cutNorm(gradients, options.maxGradNorm);
    if (cut === undefined) return idle;
    options.optimiser.step(gradients, options.learningRate, cut.factor);
    return { ...report, gradNorm: cut.norm, skipped: false };
  } finally {
    tf.dispose(gradients);
  }
}

/** `clipFactor`; undefined where the norm is not finite. */
function cutNorm(gradients: NamedTensorMap, max: number) {
  try {
    return clipFactor(gradients, max);
  } catch (error) {
    if (EtalonError.is(error) && error.code === "NOT_FINITE") return undefined;
    throw error;
  }
}
