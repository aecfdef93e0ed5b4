import { check, EtalonError } from "@etalon/errors";
import { rollout } from "@etalon/native";
import { initialNoise } from "./initialNoise.ts";
import type { Plan, PlanStep } from "./plan.ts";
import { sampleIds } from "./sampleIds.ts";
import { seedOf } from "./seedOf.ts";

/** What a denoiser gives for a batch: the model's output in the path's prediction, or both passes of classifier-free guidance. */
export type ModelOutput = Float32Array | { cond: Float32Array; uncond: Float32Array };

/** A model as a sampler sees it: float32 [samples, ...shape] and the time in, its output of the same size back. `index` is the plan's step. */
export type Denoiser = (x: Float32Array, t: number, index: number) => ModelOutput | Promise<ModelOutput>;

/** Options of `sample`. */
export interface SampleOptions {
  denoiser: Denoiser;
  plan: Plan;
  /** Of one sample, as [32, 32, 3]. */
  shape: readonly number[];
  /** 0 … 2^64 − 1. */
  seed: bigint | number;
  /** Sample ids, or their number (ids 0, 1, …). Default: as many as x holds, else 1. */
  samples?: number | Uint32Array;
  /** Where to start: float32 [samples, ...shape]. Default: the samples' own x_T by `initialNoise`. */
  x?: Float32Array;
  /** Weight w of o = o_u + w·(o_c − o_u), ≥ 0. Default 1, for which one pass does; any other needs {cond, uncond} from the denoiser. */
  guidance?: number;
  /** Stops the loop before its next step. */
  signal?: AbortSignal;
}

/** One step done. The arrays are the caller's to keep: the loop writes none of them again. */
export interface SampledStep {
  index: number;
  t: number;
  s: number;
  step: PlanStep;
  /** State at t, what the model gave for it, and the state at s. */
  x: Float32Array;
  output: ModelOutput;
  next: Float32Array;
  /** log p(next | x) of each sample, summed over its elements; only where the step is stochastic. */
  logp?: Float64Array;
}

/** A trajectory to be run: iterate over its steps, or run it to the end. Each time it starts anew, and gives the same. */
export interface SamplingLoop extends AsyncIterable<SampledStep> {
  /** Runs every step and gives the last state. */
  run(): Promise<Float32Array>;
}

/**
 * The sampling loop over any denoiser: model output, guidance, mean, noise and log-probability of each step of a plan.   docs/math.md §2, §3
 * Common random numbers: x_T and the noise of step i depend on (seed, sample id, i, element) only, so they are the same under every eta, guidance and batch split.
 * @throws EtalonError at once: arguments; in the loop: BAD_SHAPE: an output of another size; BAD_TYPE: one pass where guidance needs two;
 *   NOT_FINITE: an output or state with NaN or infinity; ABORTED: `signal`
 */
export function sample(options: SampleOptions): SamplingLoop {
  const { plan, shape, signal } = options;
  const seed = seedOf(options.seed);
  const guidance = check.range("guidance", options.guidance ?? 1, { min: 0 });
  check.that(typeof options.denoiser === "function", "BAD_TYPE", {
    argument: "denoiser",
    value: options.denoiser,
    allowed: "a function (x, t, index) that gives the model's output",
  });
  check.that(Array.isArray(plan?.steps) && plan.steps.length > 0, "BAD_SHAPE", {
    argument: "plan",
    value: plan,
    allowed: "a plan of one step or more",
  });
  check.that(Array.isArray(shape) && shape.length > 0, "BAD_SHAPE", {
    argument: "shape",
    value: shape,
    allowed: "the sizes of one sample, as [32, 32, 3]",
  });
  const dim = shape.reduce((product, size, i) => product * check.count(`shape[${i}]`, size), 1);
  const ids = sampleIds(options.samples ?? (options.x ? options.x.length / dim : 1));
  const size = ids.length * dim;
  if (options.x) floats("x", options.x, size);

  async function* steps(): AsyncGenerator<SampledStep, void, undefined> {
    let x = options.x ?? initialNoise({ seed, samples: ids, dim, std: plan.initialStd });
    for (const step of plan.steps) {
      stopIfAborted(signal, step.index);
      const output = await options.denoiser(x, step.t, step.index);
      const { cond, uncond } = passes(output, guidance, size, step);
      const key = { seed, step: step.index + 1, samples: ids };
      const { next, logp } = at(step, () => rollout({ x, cond, uncond, guidance, map: step.map, key, dim }));
      const { index, t, s } = step;
      yield { index, t, s, step, x, output, next, ...(step.stochastic ? { logp } : {}) };
      x = next;
    }
  }

  return {
    [Symbol.asyncIterator]: steps,
    async run() {
      let last: Float32Array = new Float32Array(0);
      for await (const { next } of steps()) last = next;
      return last;
    },
  };
}

/** The conditional pass, and the unconditional one where guidance has a use for it. */
function passes(output: ModelOutput, guidance: number, size: number, { index, t }: PlanStep) {
  const name = `the denoiser's output at step ${index} (t = ${t})`;
  if (output instanceof Float32Array) {
    check.that(guidance === 1, "BAD_TYPE", {
      argument: name,
      value: output,
      allowed: `{cond, uncond} with guidance ${guidance}`,
      hint: "Guidance 1 needs one pass only.",
    });
    return { cond: floats(name, output, size), uncond: undefined };
  }
  const cond = floats(`${name}, cond`, output?.cond, size);
  const uncond = floats(`${name}, uncond`, output?.uncond, size);
  return { cond, uncond: guidance === 1 ? undefined : uncond };
}

function floats(argument: string, value: unknown, size: number): Float32Array {
  if (value instanceof Float32Array) return check.length(argument, value, size, "It is float32 [samples, ...shape].");
  throw new EtalonError("BAD_TYPE", { argument, value, allowed: "a Float32Array" });
}

/** Runs the kernel, and says at which step where its numbers leave the finite ones. */
function at<T>({ index, t }: PlanStep, kernel: () => T): T {
  try {
    return kernel();
  } catch (error) {
    if (!EtalonError.is(error) || error.code !== "NOT_FINITE") throw error;
    const message = `At step ${index} (t = ${t}): ${error.message}`;
    throw new EtalonError("NOT_FINITE", error.detail, { message, cause: error });
  }
}

function stopIfAborted(signal: AbortSignal | undefined, index: number): void {
  if (!signal?.aborted) return;
  const message = `Sampling was stopped before step ${index}.`;
  throw new EtalonError("ABORTED", { argument: "signal" }, { message, cause: signal.reason });
}
