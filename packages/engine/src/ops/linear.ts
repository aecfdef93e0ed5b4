import { check } from "@etalon/errors";
import type { Tensor, Tensor2D } from "@tensorflow/tfjs";
import { type Activation, activate, activations, inGemm } from "./activations.ts";
import { checkShape } from "./checkShape.ts";
import { hasFused, isTaped, runFused, withGradients } from "./fused.ts";
import { isFrozen } from "./isFrozen.ts";
import { plainLinear } from "./plainLinear.ts";

/**
 * activation(x·w + b) with its exact gradient: one fused kernel each way on the native engine. A variable that is not trainable gets no gradient, and none is computed for it.
 * @param x  float32 [..., inputs]    @param w  float32 [inputs, outputs]    @param b  float32 [outputs], or none    @param activation  none: the identity
 * @returns float32 [..., outputs]    @throws EtalonError BAD_SHAPE, BAD_TYPE, OUT_OF_RANGE: no such activation
 */
export function linear(x: Tensor, w: Tensor2D, b?: Tensor, activation?: Activation): Tensor {
  checkShape("w", w, [null, null]);
  checkShape("x", x, [...x.shape.slice(0, -1), w.shape[0]]);
  if (b !== undefined) checkShape("b", b, [w.shape[1]]);
  if (activation !== undefined) check.oneOf("activation", activation, activations);
  if (hasFused("EtalonLinear")) return fusedLinear(x, w, b, activation);
  const y = plainLinear(x, w, b);
  return activation === undefined ? y : activate(y, activation);
}

function fusedLinear(x: Tensor, w: Tensor2D, b: Tensor | undefined, name: Activation | undefined): Tensor {
  const activation = name === undefined ? "none" : inGemm[name];
  if (!isTaped()) return runFused("EtalonLinear", { x, w, b }, { activation, keep: false });
  const keep = activation !== "none";
  const trained = { w: !isFrozen(w), b: b !== undefined && !isFrozen(b) };
  const wants = ["dx", ...(trained.w ? ["dw"] : []), ...(trained.b ? ["db"] : [])];
  const inputs = [x, ...(trained.w ? [w] : []), ...(trained.b ? [b as Tensor] : [])];
  return withGradients(
    inputs,
    () => {
      const made = runFused<Tensor | Tensor[]>("EtalonLinear", { x, w, b }, { activation, keep });
      const [value, ...before] = Array.isArray(made) ? made : [made];
      return { value, saved: [x, w, ...before] };
    },
    (dy, [input, weight, before]) =>
      runFused<Tensor[]>("EtalonLinearGradients", { dy, x: input, w: weight, before }, { activation, wants }),
  );
}
