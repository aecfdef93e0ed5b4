import { check, EtalonError } from "@etalon/errors";
import { rollout } from "@etalon/native";
import type { Denoiser, ModelOutput, Pass, TensorDenoiser, TensorLike } from "./Denoiser.ts";
import { evaluate, floats, type Passes, split } from "./evaluate.ts";
import { initialNoise } from "./initialNoise.ts";
import type { Plan, PlanStep } from "./plan.ts";
import type { EarlierTerm } from "./StepMap.ts";
import { sampleIds } from "./sampleIds.ts";
import { seedOf } from "./seedOf.ts";

/** Options of `sample`. */
export interface SampleOptions {
  /** The model: one function for one pass or both, or a function for each pass of guidance (the unconditional one is called where guidance is not 1). */
  denoiser: Denoiser | { cond: Pass; uncond: Pass };
  plan: Plan;
  /** Of one sample, as [32, 32, 3]. */
  shape: readonly number[];
  /** 0 … 2^64 − 1. */
  seed: bigint | number;
  /** Sample ids, or their number (ids 0, 1, …). Default: as many as x holds, else 1. */
  samples?: number | Uint32Array;
  /** Where to start: float32 [samples, ...shape]. Default: the samples' own x_T by `initialNoise`. */
  x?: Float32Array;
  /** Weight w of o = o_u + w·(o_c − o_u), ≥ 0. Default 1, for which one pass does; any other needs both passes from the denoiser. */
  guidance?: number;
  /** With guidance: call the denoiser once, with a batch of twice the samples, the unconditional half first; it gives the output of both halves. Default false. */
  doubled?: boolean;
  /** To resume: the first step to run, its state as x. Default 0. The noise is what it would have been. */
  from?: number;
  /** To resume a multistep plan: state and output of the steps before `from`, newest first, as many as its steps look back at. */
  earlier?: readonly { x: Float32Array; output: ModelOutput }[];
  /** Where a next state is put: gives an array of that length, which no one else holds. Default: a new one. */
  room?: (length: number) => Float32Array;
  /** Stops the loop before its next evaluation of the model. */
  signal?: AbortSignal;
  /** Called, and waited for, after every step. */
  onStep?: (step: SampledStep) => void | Promise<void>;
  /** How many steps are done, of how many. */
  onProgress?: (progress: { done: number; total: number }) => void;
}

/** Options of `sample` over tensors of a library. */
export interface TensorSampleOptions<T extends TensorLike> extends Omit<SampleOptions, "denoiser"> {
  denoiser: TensorDenoiser<T>;
  /** Makes a tensor, [samples, ...shape]; as `(values, shape) => tf.tensor(values, shape)`. */
  tensor: (values: Float32Array, shape: number[]) => T;
}

/** One step done. The arrays are the caller's to keep: the loop writes none of them again, and holds none longer than the plan looks back. */
export interface SampledStep {
  index: number;
  t: number;
  s: number;
  step: PlanStep;
  /** State at t, what the model gave for it in the path's prediction, and the state at s. */
  x: Float32Array;
  output: ModelOutput;
  next: Float32Array;
  /** log p(next | x) of each sample, summed over its elements; only where the step is stochastic. */
  logp?: Float64Array;
  /** What a multistep map's earlier terms and a·x add up to: with {a: 1, b, std} in place of the map, and this in place of x, the step is one of one output. */
  base?: Float32Array;
  /** The predicted state of a predictor–corrector step. */
  predicted?: Float32Array;
}

/** A trajectory to be run: iterate over its steps, or run it to the end. Each time it starts anew, and gives the same. */
export interface SamplingLoop extends AsyncIterable<SampledStep> {
  /** Runs every step and gives the last state. */
  run(): Promise<Float32Array>;
}

/**
 * The sampling loop over any denoiser: model output, guidance, mean, noise and log-probability of each step of a plan.   docs/math.md §2, §3
 * Common random numbers: x_T and the noise of step i depend on (seed, sample id, i, element) only, so they are the same under every eta, guidance, batch split,
 * engine and resume. A step is handed to the consumer as soon as it is done; of the steps behind it only those that a multistep method looks at are kept.
 * @throws EtalonError at once: arguments; in the loop: BAD_SHAPE: an output of another size; BAD_TYPE: one pass where guidance needs two;
 *   NOT_FINITE: an output or state with NaN or infinity; ABORTED: `signal`
 */
export function sample(options: SampleOptions): SamplingLoop;
export function sample<T extends TensorLike>(options: TensorSampleOptions<T>): SamplingLoop;
export function sample<T extends TensorLike>(options: SampleOptions | TensorSampleOptions<T>): SamplingLoop {
  const { plan, shape, signal, onStep, onProgress, room } = options;
  const seed = seedOf(options.seed);
  const guidance = check.range("guidance", options.guidance ?? 1, { min: 0 });
  const { denoiser } = options as SampleOptions;
  const pair = typeof denoiser === "object" && denoiser !== null ? [denoiser.cond, denoiser.uncond] : [denoiser];
  check.that(
    pair.every((pass) => typeof pass === "function"),
    "BAD_TYPE",
    {
      argument: "denoiser",
      value: denoiser,
      allowed: "a function (x, t, index) that gives the model's output",
      hint: pair.length === 2 ? "As a pair it is {cond, uncond}, a function each." : undefined,
    },
  );
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
  const total = plan.steps.length;
  const from = check.range("from", options.from ?? 0, { min: 0, max: total - 1, integer: true });
  check.that(from === 0 || options.x, "BAD_TYPE", {
    argument: "x",
    value: options.x,
    allowed: `the state at step ${from}`,
  });
  const given = (options.earlier ?? []).map(({ x, output }, j) => {
    const { cond, uncond } = split(output, guidance, size, `earlier[${j}].output`);
    return { x: floats(`earlier[${j}].x`, x, size), o: guide(cond, uncond, guidance) };
  });
  const looksBack = lookBackAfter(plan, from - 1);
  check.that(given.length >= looksBack, "BAD_SHAPE", {
    argument: "earlier",
    value: options.earlier,
    allowed: `${looksBack} steps: so far this plan looks back from step ${from}`,
  });
  const { tensor } = options as unknown as Partial<TensorSampleOptions<TensorLike>>;
  const model = { denoiser, tensor, doubled: options.doubled, guidance, ids, shape };

  async function* steps(): AsyncGenerator<SampledStep, void, undefined> {
    let x = options.x ?? initialNoise({ seed, samples: ids, dim, std: plan.initialStd });
    const past = [...given]; // newest first
    for (const step of plan.steps.slice(from)) {
      stopIfAborted(signal, step.index);
      const { output, cond, uncond } = await evaluate(model, x, step);
      const key = { seed, step: step.index + 1, samples: ids };
      const keep = lookBackAfter(plan, step.index);
      const { index, t, s, map, correct } = step;
      const base = map.earlier?.length ? combine([[map.a, x, 0, x], ...terms(map.earlier, past)]) : undefined;
      const single = base ? { a: 1, b: map.b, std: map.std } : { a: map.a, b: map.b, std: map.std };
      let { next, logp } = at(step, () =>
        rollout({ x: base ?? x, cond, uncond, guidance, map: single, key, dim, out: room?.(size) }),
      );
      const o = keep > 0 || correct ? guide(cond, uncond, guidance) : undefined;
      let predicted: Float32Array | undefined;
      if (correct && o) {
        stopIfAborted(signal, index);
        predicted = next;
        const again = await evaluate(model, next, { t: s, index, model: step.nextModel });
        const sum = combine([
          [correct.a, x, correct.b, o],
          [correct.next.a, next, 0, next],
          ...terms(correct.earlier, past),
        ]);
        const last = { a: 1, b: correct.next.b, std: 0 };
        ({ next, logp } = at(step, () =>
          rollout({ ...passesOf(again), x: sum, guidance, map: last, key, dim, out: room?.(size) }),
        ));
      }
      if (o && keep > 0) past.unshift({ x, o });
      past.length = Math.min(past.length, keep);
      const done: SampledStep = { index, t, s, step, x, output, next };
      if (step.stochastic) done.logp = logp;
      if (base) done.base = base;
      if (predicted) done.predicted = predicted;
      await onStep?.(done);
      onProgress?.({ done: index + 1, total });
      x = next;
      yield done;
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

const passesOf = ({ cond, uncond }: Passes) => ({ cond, uncond });

/** How many of the steps up to and with `index` a later one looks at. */
function lookBackAfter(plan: Plan, index: number): number {
  let most = 0;
  for (const { index: i, map, correct } of plan.steps.slice(index + 1)) {
    const back = Math.max(map.earlier?.length ?? 0, correct?.earlier?.length ?? 0);
    most = Math.max(most, back - (i - index - 1));
  }
  return most;
}

/** o = o_u + w·(o_c − o_u), float32. */
function guide(cond: Float32Array, uncond: Float32Array | undefined, w: number): Float32Array {
  if (uncond === undefined) return cond;
  const o = new Float32Array(cond.length);
  for (let k = 0; k < o.length; k++) o[k] = uncond[k] + w * (cond[k] - uncond[k]);
  return o;
}

type Term = readonly [a: number, x: Float32Array, b: number, o: Float32Array];

const terms = (earlier: readonly EarlierTerm[] = [], past: readonly { x: Float32Array; o: Float32Array }[]): Term[] =>
  earlier.map(({ a, b }, j) => [a, past[j].x, b, past[j].o]);

/** Σ a·x + b·o in float64, rounded once. */
function combine(parts: readonly Term[]): Float32Array {
  const sums = new Float64Array(parts[0][1].length); // part by part, in loops of their own: a function called for each element takes ten times as long
  for (const [a, x, b, o] of parts) for (let k = 0; k < sums.length; k++) sums[k] = sums[k] + a * x[k] + b * o[k];
  return new Float32Array(sums);
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
