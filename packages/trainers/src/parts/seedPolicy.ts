import { type Tensor, tf } from "@etalon/engine";
import { type PolicyGradient, type PolicyGradientOptions, policyGradient } from "@etalon/native";

/** What the kernel takes beside the model's outputs and the size of a sample. */
export type PolicyTerms = Omit<PolicyGradientOptions, "cond" | "uncond" | "dim">;

/**
 * The policy objective as a node on the model's output. Its value is computed outside the graph by the kernel, on the output's data; its gradient is the kernel's own:
 * the update differentiates by seeding the model's backward pass, and needs one forward pass.   docs/math.md §4
 * @param cond, uncond  model outputs [batch, …]; `uncond` under guidance only    @param scale  factor of the loss and its gradient
 * @param report  is given the kernel's numbers, unscaled
 * @returns Σ loss · scale, a scalar
 */
export function seedPolicy(
  cond: Tensor,
  uncond: Tensor | undefined,
  terms: PolicyTerms,
  scale: number,
  report: (result: PolicyGradient) => void,
): Tensor {
  const node = tf.customGrad((...outputs) => {
    const [c, u] = outputs as Tensor[];
    const shape = c.shape;
    const dim = c.size / shape[0];
    const values = (output: Tensor) => output.dataSync<"float32">().slice();
    const result = policyGradient({ ...terms, cond: values(c), uncond: u && values(u), dim });
    report(result);
    const seed = (gradient: Float32Array, dy: Tensor) => tf.tensor(gradient, shape).mul(dy).mul(scale);
    const gradFunc = (dy: Tensor) => {
      const gradCond = seed(result.gradCond, dy);
      return result.gradUncond ? [gradCond, seed(result.gradUncond, dy)] : gradCond;
    };
    return { value: tf.scalar(scale * result.loss.reduce((a, b) => a + b, 0)), gradFunc };
  });
  return uncond === undefined ? node(cond) : node(cond, uncond);
}
