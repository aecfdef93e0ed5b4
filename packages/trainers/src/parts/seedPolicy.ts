import { peek, type Tensor, tf, written } from "@etalon/engine";
import { EtalonError } from "@etalon/errors";
import { type PolicyGradient, policyGradient } from "@etalon/native";
import { type NormalisedOptions, normalisedPolicyGradient } from "./normalisedPolicyGradient.ts";

/** What the kernel takes beside the model's outputs and the size of a sample. With the noise `z` of the steps the ratio is GRPO-Guard's normalised one. */
export interface PolicyTerms extends Omit<NormalisedOptions, "cond" | "uncond" | "dim" | "z"> {
  oldLogp: ArrayLike<number>;
  z?: Float32Array;
}

/** What the kernel tells of each sample. */
export type PolicyOutcome = Omit<PolicyGradient, "gradCond" | "gradUncond">;

/**
 * The policy objective as a node on the model's output. Its value is computed outside the graph by the kernel, on the output's data; its gradient is the kernel's own:
 * the update differentiates by seeding the model's backward pass, and needs one forward pass.   docs/math.md §4
 * @param cond, uncond  model outputs [batch, …]; `uncond` under guidance only    @param scale  factor of the loss and its gradient
 * @param report  is given the kernel's numbers, unscaled
 * @returns Σ loss · scale, a scalar; NaN, with NaN as its gradient and no report, where an output or a ratio is not finite: to throw here would leak the graph
 */
export function seedPolicy(
  cond: Tensor,
  uncond: Tensor | undefined,
  terms: PolicyTerms,
  scale: number,
  report: (outcome: PolicyOutcome) => void,
): Tensor {
  const inputs = uncond === undefined ? [cond] : [cond, uncond];
  const node = tf.customGrad((...given) => {
    const [c, u] = given.slice(0, inputs.length) as Tensor[];
    const save = given.at(-1) as unknown as (tensors: Tensor[]) => void;
    const shape = c.shape;
    const dim = c.size / shape[0];
    const { z, ...rest } = terms;
    const call = { ...rest, cond: peek(c), uncond: u && peek(u), dim };
    const outcome = roomFor(shape[0]);
    const compute = (gradCond: Float32Array, gradUncond?: Float32Array) => {
      const out = { ...outcome, gradCond, gradUncond };
      if (z) normalisedPolicyGradient({ ...call, z, out });
      else policyGradient({ ...call, out });
    };
    const gradients = finite(() => gradientsOf(shape, u !== undefined, compute));
    if (gradients === undefined) return { value: tf.scalar(Number.NaN), gradFunc: () => inputs.map(() => tf.fill(shape, Number.NaN)) }; // biome-ignore format: one thought
    save(gradients);
    report(outcome);
    const gradFunc = (dy: Tensor, saved: Tensor[]) => saved.map((gradient) => gradient.mul(dy.mul(scale)));
    return { value: tf.scalar(scale * outcome.loss.reduce((a, b) => a + b, 0)), gradFunc };
  });
  return node(...inputs);
}

/** The tensors that `compute` writes the gradients into. */
function gradientsOf(shape: number[], both: boolean, compute: (gradCond: Float32Array, gradUncond?: Float32Array) => void): Tensor[] {
  if (!both) return [written(shape, (gradCond) => compute(gradCond))];
  let uncond: Tensor | undefined;
  const cond = written(shape, (gradCond) => {
    uncond = written(shape, (gradUncond) => compute(gradCond, gradUncond));
  });
  return [cond, uncond as unknown as Tensor];
} // biome-ignore format: long lines

/** Arrays for an outcome. */
function roomFor(samples: number): PolicyOutcome {
  const [loss, ratio, clipped, kl] = [0, 0, 0, 0].map(() => new Float64Array(samples));
  return { loss, ratio, clipped, kl };
}

function finite<T>(compute: () => T): T | undefined {
  try {
    return compute();
  } catch (error) {
    if (EtalonError.is(error) && error.code === "NOT_FINITE") return undefined;
    throw error;
  }
}
