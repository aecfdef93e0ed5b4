import type { Tensor } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";

/** A variable that is not trained: no gradient is computed for it. */
export const isFrozen = (tensor: Tensor): boolean => tensor instanceof tf.Variable && !tensor.trainable;
