import { dimOf, floats, keyOf } from "./arguments.ts";
import { call } from "./call.ts";
import { refuseBusy } from "./inProgress.ts";
import type { NoiseKey } from "./NoiseKey.ts";

/**
 * Standard normals of a key: element i of a sample is a function of (seed, step, sample id, i), with the same bits on every backend.
 * @param options.dim  elements of a sample: 1 … 2^31 − 1    @param options.out  where to put them; default: a new array
 * @returns B·dim numbers, |z| ≤ 6.77    @throws EtalonError OUT_OF_RANGE (two equal ids too), BAD_TYPE, BAD_SHAPE, BUSY
 */
export function normal(options: { key: NoiseKey; dim: number; out?: Float32Array }): Float32Array {
  const { seed, step, samples } = keyOf(options.key);
  const dim = dimOf(options.dim);
  const length = samples.length * dim;
  const out = options.out === undefined ? new Float32Array(length) : floats("out", options.out, length);
  if (options.out !== undefined) refuseBusy("out", out);
  call((binding) => binding.normal(seed, step, samples, dim, out));
  return out;
}
