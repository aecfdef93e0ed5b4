import { batchOf, dimOf, floats, guidanceOf, mapsOf } from "./arguments.ts";
import { call } from "./call.ts";
import type { StepMap } from "./StepMap.ts";

/** A step whose end is known: arrays of B samples of `dim` elements, float32, contiguous. */
export interface LogProbOptions {
  /** The state the step led to: B·dim. */
  next: Float32Array;
  /** The state it left: B·dim. */
  x: Float32Array;
  /** The model's output o, or with guidance its conditional part: B·dim. */
  cond: Float32Array;
  /** The unconditional output: B·dim. Needed where guidance is not 1. */
  uncond?: Float32Array;
  /** Weight w of o = o_u + w·(o_c − o_u). Default 1. */
  guidance?: number;
  /** The step, one for all samples or one a sample; std > 0. */
  map: StepMap | readonly StepMap[];
  /** Elements of a sample: 1 … 2^31 − 1. */
  dim: number;
}

/**
 * The log-density of each sample's step, −½ ‖(next − mean)/std‖² − D log std − ½ D log 2π, summed over dim.   docs/math.md §3
 * Divide by dim for the mean per element. float64 throughout, over a fixed tree: the same bits for any thread count and batch split.
 * @returns B numbers
 * @throws EtalonError BAD_TYPE, BAD_SHAPE, OUT_OF_RANGE: an argument, std = 0 included; NOT_FINITE: NaN or infinity in an array, or the result
 */
export function logProb(options: LogProbOptions): Float64Array {
  const { next, x, cond, uncond } = options;
  const dim = dimOf(options.dim);
  const batch = batchOf(x, dim);
  const hint = `It is [${batch} samples, dim = ${dim}], as x.`;
  floats("cond", cond, x.length, hint);
  if (uncond !== undefined) floats("uncond", uncond, x.length, hint);
  floats("next", next, x.length, hint);
  const maps = mapsOf(options.map, guidanceOf(options.guidance, uncond), batch, "log-probability");
  const logp = new Float64Array(batch);
  const policy = { x, cond, uncond: uncond ?? null, batch, dim };
  call((binding) => binding.logProb(maps, policy, next, logp), { next, x, cond, uncond });
  return logp;
}
