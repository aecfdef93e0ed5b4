import type { NamedAttrMap, NamedTensorMap, Tensor } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";

/** Whether the engine that runs has a fused kernel of that name; where it has not, an operation is made of TensorFlow.js's own. */
export const hasFused = (name: string): boolean => tf.getKernel(name, tf.getBackend()) !== undefined;

/** Runs a fused kernel: one tensor, or several as a list. Its gradient is the caller's, by tf.customGrad. */
export function runFused<T extends Tensor | Tensor[]>(
  name: string,
  inputs: Record<string, Tensor | undefined>,
  attributes: object = {},
): T {
  const given = Object.fromEntries(Object.entries(inputs).filter(([, input]) => input !== undefined)) as NamedTensorMap;
  return tf.engine().runKernel(name, given, attributes as NamedAttrMap) as T;
}

/** Whether a gradient will be asked for: only then is what it needs worth keeping. */
export const isTaped = (): boolean => (tf.engine() as unknown as { isTapeOn(): boolean }).isTapeOn();

/** tf.customGrad with its types said: saves what `forward` lists and hands it to `gradients`, which gives one gradient an input. */
export function withGradients<Saved extends Tensor[]>(
  inputs: Tensor[],
  forward: (...inputs: Tensor[]) => { value: Tensor; saved: Saved },
  gradients: (dy: Tensor, saved: Saved) => Tensor[],
): Tensor {
  return tf.customGrad((...args) => {
    const save = args.pop() as unknown as (tensors: Tensor[]) => void;
    const { value, saved } = forward(...(args as Tensor[]));
    save(saved);
    return { value, gradFunc: (dy: Tensor, kept: Tensor[]) => gradients(dy, kept as Saved) };
  })(...inputs);
}
