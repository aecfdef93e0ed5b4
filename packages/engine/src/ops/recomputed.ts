import type { Tensor, Variable } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { checkAlive } from "./checkAlive.ts";
import { isTaped } from "./fused.ts";

/** The parts of tfjs's engine that a gradient within a gradient has to keep. */
interface TapeState {
  state: { activeTape: unknown };
  gradients(f: () => Tensor, xs: Tensor[], dy: Tensor, allowNone: boolean): { value: Tensor; grads: (Tensor | null)[] };
}

/**
 * f(inputs) of which only the inputs are kept for the gradient: f runs again when the gradient is asked for (activation checkpointing, arXiv:1604.06174). Whatever f makes
 * beside its result is freed at once. With no gradient asked for it is f in a tidy of its own.
 * @param f  a pure function of `inputs`, of the `variables`, and of what gets no gradient    @param variables  those that f reads and that want a gradient
 */
export function recomputed(f: (...inputs: Tensor[]) => Tensor, inputs: Tensor[], variables: readonly Variable[] = []): Tensor {
  for (const [i, input] of inputs.entries()) checkAlive(`inputs[${i}]`, input);
  for (const variable of variables) checkAlive(`variable ${variable.name}`, variable);
  if (!isTaped()) return tf.tidy(() => f(...inputs));
  const forward = tf.customGrad((...args) => {
    const save = args.pop() as unknown as (tensors: Tensor[]) => void;
    save(args.slice(0, inputs.length) as Tensor[]);
    return {
      value: f(...(args.slice(0, inputs.length) as Tensor[])),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const engine = tf.engine() as unknown as TapeState;
        const tape = engine.state.activeTape; // a gradient within a backward pass would begin a tape of its own in its place
        const from = [...saved.slice(0, inputs.length), ...variables];
        try {
          const { value, grads } = engine.gradients(() => f(...saved.slice(0, inputs.length)), from, dy, true);
          value.dispose();
          return grads.map((grad, i) => grad ?? tf.zerosLike(from[i]));
        } finally {
          engine.state.activeTape = tape;
        }
      },
    };
  });
  return forward(...inputs, ...variables);
} // biome-ignore format: long lines
