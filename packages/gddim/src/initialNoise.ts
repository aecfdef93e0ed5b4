import { check } from "@etalon/errors";
import { normal } from "@etalon/native";
import { sampleIds } from "./sampleIds.ts";
import { seedOf } from "./seedOf.ts";

/** Whose noise, and how much. */
export interface InitialNoiseOptions {
  /** 0 … 2^64 − 1. */
  seed: bigint | number;
  /** Sample ids, or their number (ids 0, 1, …). */
  samples: number | Uint32Array;
  /** Elements of one sample. */
  dim: number;
  /** Standard deviation. Default 1; a plan on VE has its own `initialStd`. */
  std?: number;
  /** Where to put it: float32 [samples, dim]. Default: a new array. */
  out?: Float32Array;
}

/**
 * The x_T of some samples: float32 [samples, dim], N(0, std²). It depends on (seed, sample id, element) only: noise step 0 of the key, where the noise of plan
 * step i is step i + 1. So it is the same under every eta, batch split and resume.
 * @throws EtalonError OUT_OF_RANGE, BAD_SHAPE: a seed, id list, dim or std that is none
 */
export function initialNoise({ seed, samples, dim, std = 1, out }: InitialNoiseOptions): Float32Array {
  check.range("std", std, { above: 0 });
  const key = { seed: seedOf(seed), step: 0, samples: sampleIds(samples) };
  const noise = normal({ key, dim: check.count("dim", dim), out });
  if (std !== 1) for (let i = 0; i < noise.length; i++) noise[i] *= std;
  return noise;
}
