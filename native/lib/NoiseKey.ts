/**
 * Names the noise of a batch. Element i of a sample is a function of (seed, step, sample id, i) and of nothing else: word i mod 4 of
 * Philox4x32-10 with key = seed and counter = (⌊i/4⌋, sample id, step, 0), made normal by Box and Muller.
 */
export interface NoiseKey {
  /** 0 … 2^64 − 1. */
  seed: bigint;
  /** 0 … 2^32 − 1. By convention 0 is x_T and i + 1 the fresh noise of a plan's step i. */
  step: number;
  /** Ids of the B samples of the batch. */
  samples: Uint32Array;
}
