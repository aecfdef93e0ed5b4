import { apart, dimOf, floats, guidanceOf, keyOf, mapsOf } from "./arguments.ts";
import { call } from "./call.ts";
import type { NoiseKey } from "./NoiseKey.ts";
import type { StepMap } from "./StepMap.ts";

/** A batch to draw: B samples of `dim` elements, float32, contiguous; B is the number of ids in the key. */
export interface RolloutOptions {
  /** The state: B·dim. */
  x: Float32Array;
  /** The model's output o, or with guidance its conditional part: B·dim. */
  cond: Float32Array;
  /** The unconditional output: B·dim. Needed where guidance is not 1. */
  uncond?: Float32Array;
  /** Weight w of o = o_u + w·(o_c − o_u). Default 1. */
  guidance?: number;
  /** The step, one for all samples or one a sample. std = 0 draws nothing: next is the mean. */
  map: StepMap | readonly StepMap[];
  /** Names the noise. */
  key: NoiseKey;
  /** Elements of a sample: 1 … 2^31 − 1. */
  dim: number;
  /** Where to put the next state; may be x itself. Default: a new array. */
  out?: Float32Array;
}

/**
 * Draws the next state: guidance, mean, noise and log-probability in one pass.   docs/math.md §1–3
 * next = a·x + b·o + std·z, rounded to float32 once; its bits depend on inputs, key and sample only, on no backend, thread count or batch split.
 * @returns next: B·dim; logp: B, log p(next | x) summed over dim, to the bit what `logProb` gives for `next`; 0 where std is 0 (there is no density)
 * @throws EtalonError BAD_TYPE, BAD_SHAPE, OUT_OF_RANGE: an argument, before anything is written; NOT_FINITE: NaN or infinity in x, cond or uncond, or the
 *   result; what `out` holds is undefined then
 */
export function rollout(options: RolloutOptions): { next: Float32Array; logp: Float64Array } {
  const { x, cond, uncond } = options;
  const { seed, step, samples } = keyOf(options.key);
  const dim = dimOf(options.dim);
  const batch = samples.length;
  const hint = `It is [${batch} samples, dim = ${dim}].`;
  floats("x", x, batch * dim, hint);
  floats("cond", cond, batch * dim, hint);
  if (uncond !== undefined) floats("uncond", uncond, batch * dim, hint);
  const maps = mapsOf(options.map, guidanceOf(options.guidance, uncond), batch, undefined);
  const next =
    options.out === undefined ? new Float32Array(batch * dim) : floats("out", options.out, batch * dim, hint);
  if (options.out !== undefined) apart("out", next, { x, cond, uncond }, "x");
  const logp = new Float64Array(batch);
  const policy = { x, cond, uncond: uncond ?? null, batch, dim };
  call((binding) => binding.rollout(maps, seed, step, samples, policy, next, logp), {
    ...(next === x ? {} : { x }),
    cond,
    uncond,
  });
  return { next, logp };
}
