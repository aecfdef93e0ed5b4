import { check } from "@etalon/errors";

/** relu(x) = max(x, 0); silu(x) = x·σ(x); gelu in its tanh form (FLUX, T5) and its exact one (CLIP H, BERT, U-Nets). */
export type Activation = "none" | "relu" | "silu" | "gelu-tanh" | "gelu-erf";

const numbers: Record<Activation, number> = { none: 0, relu: 1, silu: 2, "gelu-tanh": 3, "gelu-erf": 4 };

/** Its number in the C interface. @throws EtalonError OUT_OF_RANGE: no such activation */
export function activationNumber(activation: Activation): number {
  return numbers[activation] ?? check.oneOf("activation", activation, Object.keys(numbers));
}
