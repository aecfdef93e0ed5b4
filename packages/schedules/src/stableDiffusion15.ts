import { betaSchedule } from "./betaSchedule.ts";
import { type DiscreteVpOptions, discreteVp } from "./discreteVp.ts";
import type { Path } from "./Path.ts";

/**
 * The path of Stable Diffusion v1.5: 1000 training timesteps, scaled-linear β from 0.00085 to 0.012, ε-prediction.   docs/math.md §1
 * Its end (time −1) has ᾱ of timestep 0, as the model's scheduler config has it (set_alpha_to_one: false); `finalAlpha: "one"` ends at the data itself.
 */
export function stableDiffusion15(
  options: Pick<DiscreteVpOptions, "prediction" | "finalAlpha" | "interpolation" | "zeroTerminalSnr"> = {},
): Path {
  return discreteVp({ ...options, name: "sd15", betas: betaSchedule("scaled_linear", 1000, 0.00085, 0.012) });
}
