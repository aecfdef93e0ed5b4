import type { Tensor } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { isTaped, runFused, withGradients } from "./fused.ts";
import { isFrozen } from "./isFrozen.ts";
import { addLayers, type NamedLayers } from "./LayerTensors.ts";

/**
 * A layer of several steps as one kernel each way, `kernel` and `kernel`Gradients: it gives its value and, with `keep`, one tensor of what its gradients need. A frozen
 * tensor gets no gradient, and none is computed.
 * @param tensors  by the kernel's names, beside those of `layers`; those that are left out are undefined
 */
export function fusedLayer(
  kernel: string,
  tensors: Readonly<Record<string, Tensor | undefined>>,
  layers: NamedLayers,
  attributes: object,
): Tensor {
  const inputs: Record<string, Tensor> = {};
  for (const name in tensors) {
    const tensor = tensors[name];
    if (tensor !== undefined) inputs[name] = tensor;
  }
  const given = { ...attributes, scales: addLayers(inputs, layers) };
  const names = Object.keys(inputs);
  const wants = isTaped() ? names.filter((name) => !isFrozen(inputs[name])) : [];
  if (wants.length === 0) return runFused<Tensor[]>(kernel, inputs, { ...given, keep: false })[0];
  const passing = names.filter((name) => !(inputs[name] instanceof tf.Variable)); // variables outlive the pass
  return withGradients(
    wants.map((name) => inputs[name]),
    () => {
      const [value, ...work] = runFused<Tensor[]>(kernel, inputs, { ...given, keep: true });
      return { value, saved: [...passing.map((name) => inputs[name]), ...work] };
    },
    (dy, saved) => {
      for (const [i, name] of passing.entries()) inputs[name] = saved[i];
      inputs.dy = dy;
      inputs.work = saved[passing.length];
      return runFused<Tensor[]>(`${kernel}Gradients`, inputs, { ...given, wants });
    },
  );
}
