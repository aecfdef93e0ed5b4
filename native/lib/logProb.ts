import { scalars } from "./arguments.ts";
import type { Half, LogProbCall } from "./binding.ts";
import { call, type Inputs } from "./call.ts";
import type { Dtype } from "./Dtype.ts";
import type { Elements } from "./Elements.ts";
import { givenStep } from "./givenStep.ts";
import { refuseBusy } from "./inProgress.ts";
import { checkInputs } from "./inspect.ts";
import type { StepMap } from "./StepMap.ts";

/** A step whose end is known: arrays of B samples of `dim` elements, contiguous. float32, or 16-bit words of `dtype`. */
export interface LogProbOptions {
  /** The state the step led to, of x's kind: B·dim. */
  next: Elements;
  /** The state it left: B·dim. */
  x: Elements;
  /** The model's output o, or with guidance its conditional part: B·dim. */
  cond: Elements;
  /** The unconditional output, of cond's kind: B·dim. Needed where guidance is not 1. */
  uncond?: Elements;
  /** What the words of Uint16Arrays are. */
  dtype?: Dtype;
  /** Weight w of o = o_u + w·(o_c − o_u). Default 1. */
  guidance?: number;
  /** The step, one for all samples or one a sample; std > 0. */
  map: StepMap | readonly StepMap[];
  /** Elements of a sample: 1 … 2^31 − 1. */
  dim: number;
  /** true: NaN, infinite and subnormal inputs are an error that counts them, before anything is written; "finite": subnormal ones pass. Costs one more pass. */
  check?: boolean | "finite";
}

/**
 * The log-density of each sample's step, −½ ‖(next − mean)/std‖² − D log std − ½ D log 2π, summed over dim.   docs/math.md §3
 * Divide by dim for the mean per element. float64 throughout, over a fixed tree: the same bits for any thread count and batch split.
 * @param options.out  where to put the B numbers; default: a new array    @returns B numbers
 * @throws EtalonError BAD_TYPE, BAD_SHAPE, OUT_OF_RANGE: an argument, std = 0 included; NOT_FINITE: NaN or infinity in an array, or the result
 */
export function logProb(options: LogProbOptions & { out?: Float64Array }): Float64Array {
  const { args, inputs, half, logp } = logProbCall(options);
  call((binding) => binding.logProb(...args), inputs, half);
  return logp;
}

/** Checks the arguments and makes room for the results: what the call here and the one off the thread share. */
export function logProbCall(options: LogProbOptions & { out?: Float64Array }): {
  args: LogProbCall;
  inputs: Inputs;
  half: Half;
  logp: Float64Array;
} {
  const { x, cond, uncond } = options;
  const { policy, batch, half, next } = givenStep(options, "log-probability");
  const logp = scalars("out", options.out, batch);
  if (options.out !== undefined) refuseBusy("out", logp);
  const inputs: Inputs = { next, x, cond, uncond };
  if (options.check !== undefined) checkInputs(inputs, half, options.check);
  return { args: [...policy, next, logp], inputs, half, logp };
}
