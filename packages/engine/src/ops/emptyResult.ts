import type { Tensor } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { isTaped, withGradients } from "./fused.ts";
import { isFrozen } from "./isFrozen.ts";

/** Whether a result of that shape has no elements. */
export const isEmpty = (shape: readonly number[]): boolean => shape.includes(0);

/** The float32 result, zeros if any, of inputs with nothing in them to sum; its gradient is zeros for each of `inputs`. tfjs's own operations lose the shapes of gradients there. */
export function emptyResult(shape: readonly number[], inputs: readonly (Tensor | undefined)[]): Tensor {
  const trained = inputs.filter((input) => input !== undefined && !isFrozen(input)) as Tensor[];
  if (!isTaped() || trained.length === 0) return tf.zeros([...shape]);
  const shapes = trained.map((input) => input.shape);
  return withGradients(
    trained,
    () => ({ value: tf.zeros([...shape]), saved: [] }),
    () => shapes.map((own) => tf.zeros(own)),
  );
}
