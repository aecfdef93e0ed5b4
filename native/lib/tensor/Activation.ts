/** relu(x) = max(x, 0); silu(x) = x·σ(x); gelu in its tanh form (FLUX, T5) and its exact one (CLIP H, BERT, U-Nets). */
export type Activation = "none" | "relu" | "silu" | "gelu-tanh" | "gelu-erf";

/** Its number in the C interface. */
export const activations: Record<Activation, number> = { none: 0, relu: 1, silu: 2, "gelu-tanh": 3, "gelu-erf": 4 };
