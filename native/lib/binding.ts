import type { LightKernels } from "./tensor/LightKernels.ts";
import type { RawHeavyKernels } from "./tensor/RawHeavyKernels.ts";

/**
 * The one typed picture of the raw addon; the portable form has the same shape. Arguments are taken as checked (the face does that), results go into the
 * caller's arrays. `maps` holds (a, b, std, guidance) a sample, or once for all. Arrays of elements are float32 [batch, dim], contiguous.
 * A failure is an Error whose `code` is the C library's status: ETALON_NOT_FINITE, ETALON_INVALID_ARGUMENT, …
 */
export interface Binding {
  philox4x32(counter: Uint32Array, key: Uint32Array, out: Uint32Array): void;
  normal(seed: bigint, step: number, samples: Uint32Array, dim: number, out: Float32Array): void;
  rollout(
    maps: Float64Array,
    seed: bigint,
    step: number,
    samples: Uint32Array,
    policy: RawPolicy,
    next: Float32Array,
    logp: Float64Array,
  ): void;
  logProb(maps: Float64Array, policy: RawPolicy, next: Float32Array, logp: Float64Array): void;
  policyGradient(maps: Float64Array, policy: RawPolicy, objective: RawObjective, outcome: RawOutcome): void;
  setThreads(threads: number): void;
  info(): { name: string; threads: number; available: string[] };
  /** Tensors' memory and light kernels; not in the portable form. */
  light?: LightKernels;
  /** The heavy kernels of tensors; not in the portable form. */
  heavy?: RawHeavyKernels;
}

export interface RawPolicy {
  x: Float32Array;
  cond: Float32Array;
  uncond: Float32Array | null;
  batch: number;
  dim: number;
}

export interface RawObjective {
  next: Float32Array;
  oldLogp: Float64Array;
  advantage: Float64Array;
  clip: number;
  mean: boolean;
  klWeight: number;
  referenceCond: Float32Array | null;
  referenceUncond: Float32Array | null;
}

export interface RawOutcome {
  loss: Float64Array;
  ratio: Float64Array;
  clipped: Float64Array;
  kl: Float64Array;
  gradCond: Float32Array;
  gradUncond: Float32Array | null;
}
