import type { Tensor } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { isTaped, runFused, withGradients } from "./fused.ts";
import { isFrozen } from "./isFrozen.ts";

/**
 * A layer of several steps as one kernel each way, `kernel` and `kernel`Gradients: it gives its value and, with `keep`, one tensor of what its gradients need. A frozen
 * tensor gets no gradient, and none is computed.
 * @param tensors  by the kernel's names; those that are left out are undefined
 */
export function fusedLayer(
  kernel: string,
  tensors: Readonly<Record<string, Tensor | undefined>>,
  attributes: object,
): Tensor {
  const given = Object.entries(tensors).filter((entry): entry is [string, Tensor] => entry[1] !== undefined);
  const inputs = Object.fromEntries(given);
  const trained = given.filter(([, tensor]) => !isFrozen(tensor));
  if (!isTaped() || trained.length === 0) return runFused<Tensor[]>(kernel, inputs, { ...attributes, keep: false })[0];
  const passing = given.filter(([, tensor]) => !(tensor instanceof tf.Variable)); // variables outlive the pass
  return withGradients(
    trained.map(([, tensor]) => tensor),
    () => {
      const [value, ...work] = runFused<Tensor[]>(kernel, inputs, { ...attributes, keep: true });
      return { value, saved: [...passing.map(([, tensor]) => tensor), ...work] };
    },
    (dy, saved) => {
      const kept = Object.fromEntries(passing.map(([name], i) => [name, saved[i]]));
      const wants = trained.map(([name]) => name);
      return runFused<Tensor[]>(`${kernel}Gradients`, { ...inputs, ...kept, dy, work: saved[passing.length] }, { ...attributes, wants }); // biome-ignore format: one thought
    },
  );
}
