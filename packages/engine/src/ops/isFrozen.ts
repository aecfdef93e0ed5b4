import type { Tensor } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";

const constants = new WeakSet<Tensor>();

/** A variable that is not trained, or a constant: no gradient is computed for it. */
export const isFrozen = (tensor: Tensor): boolean =>
  tensor instanceof tf.Variable ? !tensor.trainable : constants.has(tensor);

/** Marks a tensor as one that gets no gradient, as a variable is that is not trained. */
export function asConstant(tensor: Tensor): Tensor {
  constants.add(tensor);
  return tensor;
}
