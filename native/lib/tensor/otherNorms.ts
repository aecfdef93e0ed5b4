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
}
