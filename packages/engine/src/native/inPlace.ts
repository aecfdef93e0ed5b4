import type { HeavyKernels } from "@etalon/native/tensor";
import type { Tensor, Variable } from "@tensorflow/tfjs";
import { tf } from "../tf.ts";
import { NativeBackend } from "./NativeBackend.ts";
import { writtenNative } from "./writtenNative.ts";

/** Kernels that change variables where they lie: those of the optimisers. */
export interface InPlace {
  heavy: HeavyKernels;
  /** The variables' arrays, to be changed. One whose values something else holds too, a clone or a saved tensor, gets values of its own first. */
  arrays(variables: readonly Variable[]): Float32Array[];
  /** Tensors' arrays, to be read. */
  values(tensors: readonly Tensor[]): Float32Array[];
}

/** On the native engine, what changes variables in place; undefined on every other. */
export function inPlace(): InPlace | undefined {
  const backend = tf.getBackend() ? tf.backend() : undefined;
  if (!(backend instanceof NativeBackend) || backend.heavy === undefined) return undefined;
  const values = (tensors: readonly Tensor[]) => tensors.map((tensor) => backend.values(tensor, "float32"));
  return {
    heavy: backend.heavy,
    values,
    arrays(variables) {
      for (const variable of variables) {
        if (!backend.isAlone(variable)) tf.tidy(() => variable.assign(copied(backend, variable)));
      }
      return values(variables);
    },
  };
}

function copied(backend: NativeBackend, variable: Variable): Tensor {
  const copy = (values: Float32Array) => values.set(backend.values(variable, "float32"));
  return writtenNative(variable.shape, copy) as Tensor; // the native engine runs
}
