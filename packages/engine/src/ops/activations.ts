import type { Tensor } from "@tensorflow/tfjs";
import { gelu } from "./gelu.ts";
import { geluErf } from "./geluErf.ts";
import { silu } from "./silu.ts";

/** The names of the activations: SiLU, GELU in its tanh form, GELU by erf. */
export const activations = ["silu", "gelu", "gelu-erf"] as const;
export type Activation = (typeof activations)[number];

const functions = { silu, gelu, "gelu-erf": geluErf };

/** An activation by its name. */
export const activate = (x: Tensor, activation: Activation): Tensor => functions[activation](x);

/** What the addon's products call them. */
export const inGemm = { silu: "silu", gelu: "gelu-tanh", "gelu-erf": "gelu-erf" } as const;
