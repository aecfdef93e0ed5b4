import type { HeavyKernels } from "./HeavyKernels.ts";
import { numbers } from "./numbers.ts";
import type { RawHeavyKernels } from "./RawHeavyKernels.ts";

export interface RmsNorm {
  rows: number;
  d: number;
  epsilon: number;
  x: Float32Array;
  /** May be x. */
  y: Float32Array;
  gain?: Float32Array;
  /** [rows] */
  rstd?: Float32Array;
}
export interface RmsNormGradients {
  rows: number;
  d: number;
  x: Float32Array;
  rstd: Float32Array;
  dy: Float32Array;
  gain?: Float32Array;
  /** May be dy. */
  dx?: Float32Array;
  dGain?: Float32Array;
}

export interface GroupNorm {
  batch: number;
  pixels: number;
  channels: number;
  /** A divisor of channels. */
  groups: number;
  epsilon: number;
  /** [batch, pixels, channels] */
  x: Float32Array;
  /** May be x. */
  y: Float32Array;
  /** [channels] */
  gain?: Float32Array;
  bias?: Float32Array;
  silu?: boolean;
  /** [batch, groups] */
  mean?: Float32Array;
  rstd?: Float32Array;
}
export interface GroupNormGradients {
  batch: number;
  pixels: number;
  channels: number;
  groups: number;
  x: Float32Array;
  mean: Float32Array;
  rstd: Float32Array;
  dy: Float32Array;
  gain?: Float32Array;
  bias?: Float32Array;
  silu?: boolean;
  /** May be dy. */
  dx?: Float32Array;
  dGain?: Float32Array;
  dBias?: Float32Array;
  /** [batch, pixels, channels], added to dx; may be dx. */
  residual?: Float32Array;
}

type OtherNorms = Pick<HeavyKernels, "rmsNorm" | "rmsNormGradients" | "groupNorm" | "groupNormGradients">;

export function otherNorms(raw: RawHeavyKernels): OtherNorms {
  return {
    rmsNorm({ rows, d, epsilon, x, y, gain, rstd }) {
      numbers[0] = rows;
      numbers[1] = d;
      numbers[2] = epsilon;
      raw.rmsNorm(numbers, x, y, gain ?? null, rstd ?? null);
    },
    rmsNormGradients({ rows, d, x, rstd, dy, gain, dx, dGain }) {
      numbers[0] = rows;
      numbers[1] = d;
      raw.rmsNormGradients(numbers, x, rstd, dy, gain ?? null, dx ?? null, dGain ?? null);
    },
    groupNorm(options) {
      const { x, y, gain, bias, mean, rstd } = options;
      sizes(options);
      numbers[4] = options.epsilon;
      numbers[5] = +(options.silu ?? false);
      raw.groupNorm(numbers, x, y, gain ?? null, bias ?? null, mean ?? null, rstd ?? null);
    },
    groupNormGradients(options) {
      const { x, mean, rstd, dy, gain, bias, dx, dGain, dBias } = options;
      sizes(options);
      numbers[4] = +(options.silu ?? false);
      raw.groupNormGradients(
        numbers,
        x,
        mean,
        rstd,
        dy,
        gain ?? null,
        bias ?? null,
        dx ?? null,
        dGain ?? null,
        dBias ?? null,
        options.residual ?? null,
      );
    },
  };
}

function sizes({ batch, pixels, channels, groups }: GroupNorm | GroupNormGradients): void {
  numbers[0] = batch;
  numbers[1] = pixels;
  numbers[2] = channels;
  numbers[3] = groups;
}
