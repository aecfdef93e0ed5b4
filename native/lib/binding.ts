import type { Elements } from "./Elements.ts";
import type { LightKernels } from "./tensor/LightKernels.ts";
import type { RawHeavyKernels } from "./tensor/RawHeavyKernels.ts";

/**
 * The one typed picture of the raw addon; the portable form has the same shape. Arguments are taken as checked (the face does that), results go into the
 * caller's arrays. `maps` holds (a, b, std, guidance) a sample, or once for all. Arrays of elements are [batch, dim], contiguous: Float32Arrays, or Uint16Arrays
 * of the type that `half` says. The -Async forms do the same off the JavaScript thread; the portable form has none.
 * A failure is an Error whose `code` is the C library's status: ETALON_NOT_FINITE, ETALON_INVALID_ARGUMENT, …
 */
export interface Binding {
  /** Of the addon: what loader.ts expects. */
  interface?: number;
  philox4x32(counter: Uint32Array, key: Uint32Array, out: Uint32Array): void;
  normal(seed: bigint, step: number, samples: Uint32Array, dim: number, out: Float32Array): void;
  rollout(...call: RolloutCall): void;
  logProb(...call: LogProbCall): void;
  policyGradient(...call: PolicyGradientCall): void;
  rolloutAsync?(...call: RolloutCall): Promise<void>;
  logProbAsync?(...call: LogProbCall): Promise<void>;
  policyGradientAsync?(...call: PolicyGradientCall): Promise<void>;
  /** found: counts of NaN, infinite and subnormal numbers, then the first index of each, or −1. */
  inspect(array: Elements, half: Half, found: Float64Array): void;
  setThreads(threads: number): void;
  info(): { name: string; threads: number; available: string[] };
  /** Tensors' memory and light kernels; not in the portable form. */
  light?: LightKernels;
  /** The heavy kernels of tensors; not in the portable form. */
  heavy?: RawHeavyKernels;
}

/** What the words of a call's Uint16Arrays are: 0: it has none, 1: bfloat16, 2: float16. */
export type Half = 0 | 1 | 2;

/** The steps and arrays that every call on a policy begins with. x and the next state are of one kind; so are cond, uncond and the reference's outputs. */
export type RawPolicy = [
  maps: Float64Array,
  x: Elements,
  cond: Elements,
  uncond: Elements | null,
  batch: number,
  dim: number,
  half: Half,
];
export type RawObjective = [
  next: Elements,
  oldLogp: Float64Array,
  advantage: Float64Array,
  clip: number,
  mean: boolean,
  klWeight: number,
  referenceCond: Elements | null,
  referenceUncond: Elements | null,
];
export type RawOutcome = [
  loss: Float64Array,
  ratio: Float64Array,
  clipped: Float64Array,
  kl: Float64Array,
  gradCond: Elements,
  gradUncond: Elements | null,
];

/** Arguments in a row, since a property read costs the addon four times an argument. */
export type RolloutCall = [
  ...policy: RawPolicy,
  seed: bigint,
  step: number,
  samples: Uint32Array,
  next: Elements,
  logp: Float64Array,
];
export type LogProbCall = [...policy: RawPolicy, next: Elements, logp: Float64Array];
export type PolicyGradientCall = [...policy: RawPolicy, ...objective: RawObjective, ...outcome: RawOutcome];
