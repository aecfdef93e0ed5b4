import { alike, apart, dimOf, elements, guidanceOf, halfOf, keyOf, mapsOf, scalars } from "./arguments.ts";
import type { Half, RolloutCall } from "./binding.ts";
import { call, type Inputs } from "./call.ts";
import type { Dtype } from "./Dtype.ts";
import type { Elements } from "./Elements.ts";
import { refuseBusy } from "./inProgress.ts";
import { checkInputs } from "./inspect.ts";
import type { NoiseKey } from "./NoiseKey.ts";
import type { StepMap } from "./StepMap.ts";

/** Arrays of B samples of `dim` elements, contiguous; B is the number of ids in the key. float32, or 16-bit words of `dtype`. */
export interface RolloutOptions<X extends Elements = Float32Array> {
  /** The state: B·dim. */
  x: X;
  /** The model's output o, or with guidance its conditional part: B·dim. */
  cond: Elements;
  /** The unconditional output, of cond's kind: B·dim. Needed where guidance is not 1. */
  uncond?: Elements;
  /** What the words of Uint16Arrays are. A state is then the float32 result rounded once more. */
  dtype?: Dtype;
  /** Weight w of o = o_u + w·(o_c − o_u). Default 1. */
  guidance?: number;
  /** The step, one for all samples or one a sample. std = 0 draws nothing: next is the mean, and there is no density. */
  map: StepMap | readonly StepMap[];
  /** Names the noise. */
  key: NoiseKey;
  /** Elements of a sample: 1 … 2^31 − 1. */
  dim: number;
  /** Where to put the next state, of x's kind; may be x itself. Default: a new array. */
  out?: X;
  /** Where to put the log-probabilities: B. Default: a new array. */
  logp?: Float64Array;
  /** true: NaN, infinite and subnormal inputs are an error that counts them, before anything is written; "finite": subnormal ones pass. Costs one more pass. */
  check?: boolean | "finite";
}

/** What `rollout` gives. */
export interface Rollout<X extends Elements = Float32Array> {
  /** The next state: B·dim. */
  next: X;
  /** log p(next | x), summed over dim, to the bit what `logProb` gives for `next`; 0 where std is 0 (there is no density): B. */
  logp: Float64Array;
}

/**
 * Draws the next state: guidance, mean, noise and log-probability in one pass.   docs/math.md §1–3
 * next = a·x + b·o + std·z, rounded to float32 once; its bits depend on inputs, key and sample only, on no backend, thread count or batch split.
 * @throws EtalonError BAD_TYPE, BAD_SHAPE, OUT_OF_RANGE: an argument (two equal ids too), BUSY: an output that a call in progress writes; before anything is
 *   written; NOT_FINITE: NaN or infinity in x, cond or uncond, or the result; what `out` holds is undefined then
 */
export function rollout<X extends Elements = Float32Array>(options: RolloutOptions<X>): Rollout<X> {
  const { args, inputs, half, result } = rolloutCall(options);
  call((binding) => binding.rollout(...args), inputs, half);
  return result;
}

/** Checks a rollout's arguments and makes room for its results: what the call here and the one off the thread share. */
export function rolloutCall<X extends Elements>(
  options: RolloutOptions<X>,
): { args: RolloutCall; inputs: Inputs; half: Half; result: Rollout<X> } {
  const { x, cond, uncond } = options;
  const { seed, step, samples } = keyOf(options.key);
  const half = halfOf(options.dtype);
  const dim = dimOf(options.dim);
  const batch = samples.length;
  const hint = `It is [${batch} samples, dim = ${dim}].`;
  elements("x", x, batch * dim, half, hint);
  elements("cond", cond, batch * dim, half, hint);
  if (uncond !== undefined) alike("uncond", uncond, cond, "cond", hint);
  const maps = mapsOf(options.map, guidanceOf(options.guidance, uncond), batch, undefined);
  const next = options.out === undefined ? room(x) : alike("out", options.out, x, "x", hint);
  const logp = scalars("logp", options.logp, batch);
  if (options.out !== undefined) {
    apart("out", next, { x, cond, uncond }, "x");
    refuseBusy("out", next);
  }
  if (options.check !== undefined) checkInputs({ x, cond, uncond }, half, options.check);
  const inputs: Inputs = next === x ? { cond, uncond } : { x, cond, uncond };
  const args: RolloutCall = [maps, x, cond, uncond ?? null, batch, dim, half, seed, step, samples, next, logp];
  return { args, inputs, half, result: { next, logp } };
}

/** A new array of the kind and length of another. */
function room<X extends Elements>(like: X): X {
  return (like instanceof Float32Array ? new Float32Array(like.length) : new Uint16Array(like.length)) as X;
}
