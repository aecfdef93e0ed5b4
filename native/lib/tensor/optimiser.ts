import type { HeavyKernels } from "./HeavyKernels.ts";
import { numbers } from "./numbers.ts";
import type { RawHeavyKernels } from "./RawHeavyKernels.ts";

export interface AdamWUpdate {
  /** Arrays of the same lengths in all four lists. */
  parameters: readonly Float32Array[];
  gradients: readonly Float32Array[];
  /** The moments. */
  first: readonly Float32Array[];
  second: readonly Float32Array[];
  /** ≥ 1: which update this is. */
  step: number;
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  /** Gradients are multiplied by this first: clipping in the same pass. Default 1. */
  gradientScale?: number;
}

export function optimisers(raw: RawHeavyKernels): Pick<HeavyKernels, "adamw" | "globalNorm" | "scale" | "ema"> {
  return {
    adamw(options) {
      numbers[0] = options.step;
      numbers[1] = options.learningRate;
      numbers[2] = options.beta1;
      numbers[3] = options.beta2;
      numbers[4] = options.epsilon;
      numbers[5] = options.weightDecay;
      numbers[6] = options.gradientScale ?? 1;
      raw.adamw(numbers, options.parameters, options.gradients, options.first, options.second);
    },
    globalNorm: (arrays) => raw.globalNorm(arrays),
    scale: (arrays, factor) => raw.scale(arrays, factor),
    ema: (averages, values, decay) => raw.ema(averages, values, decay),
  };
}
