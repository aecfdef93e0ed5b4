import { check, EtalonError } from "@etalon/errors";
import type { Preconditioning } from "@etalon/schedules";
import type { Denoiser, ModelOutput, Pass, TensorDenoiser, TensorLike } from "./Denoiser.ts";

/** A denoiser in any of its forms, and how to call it. */
export interface ModelOptions {
  denoiser: Denoiser | { cond: Pass; uncond: Pass } | TensorDenoiser<TensorLike>;
  tensor?: (values: Float32Array, shape: number[]) => TensorLike;
  doubled?: boolean;
  guidance: number;
  ids: Uint32Array;
  shape: readonly number[];
}

/** Where an evaluation stands: for the model, and for messages. */
export interface EvaluationPoint {
  t: number;
  index: number;
  model?: Preconditioning;
}

/** Both passes, the unconditional one where guidance has a use for it. */
export interface Passes {
  cond: Float32Array;
  uncond: Float32Array | undefined;
}

/** Calls the model: its input as it wants it, one call or two, one batch or a doubled one, arrays or tensors; and gives its output in the path's prediction. */
export async function evaluate(
  options: ModelOptions,
  x: Float32Array,
  at: EvaluationPoint,
): Promise<{ output: ModelOutput } & Passes> {
  const { model } = at;
  const input = model === undefined || model.in === 1 ? x : mixed(0, x, model.in, x);
  const raw = await passes(options, input, at);
  if (model === undefined || (model.skip === 0 && model.out === 1)) return raw;
  const wrap = (o: Float32Array) => mixed(model.skip, x, model.out, o);
  const cond = wrap(raw.cond);
  const uncond = raw.uncond && wrap(raw.uncond);
  return { cond, uncond, output: uncond ? { cond, uncond } : cond };
}

/** a·x + b·o, rounded once. */
function mixed(a: number, x: Float32Array, b: number, o: Float32Array): Float32Array {
  const sum = new Float32Array(x.length);
  for (let k = 0; k < sum.length; k++) sum[k] = a * x[k] + b * o[k];
  return sum;
}

async function passes(
  options: ModelOptions,
  x: Float32Array,
  at: EvaluationPoint,
): Promise<{ output: ModelOutput } & Passes> {
  const { denoiser, guidance, doubled } = options;
  const guided = guidance !== 1;
  const [time, name] = [at.model?.time ?? at.t, outputName(at)];
  if (typeof denoiser === "object") {
    const cond = floats(`${name}, cond`, await denoiser.cond(x, time, at.index), x.length);
    if (!guided) return { output: cond, cond, uncond: undefined };
    const uncond = floats(`${name}, uncond`, await denoiser.uncond(x, time, at.index), x.length);
    return { output: { cond, uncond }, cond, uncond };
  }
  if (doubled && guided) {
    const twice = new Float32Array(2 * x.length);
    twice.set(x);
    twice.set(x, x.length);
    const both = floats(
      name,
      await call(options, twice, time, at.index, 2),
      twice.length,
      "With doubled it is the unconditional half, then the conditional one.",
    );
    const [uncond, cond] = [both.slice(0, x.length), both.slice(x.length)];
    return { output: { cond, uncond }, cond, uncond };
  }
  const output = await call(options, x, time, at.index, 1);
  return { output, ...split(output, guidance, x.length, name) };
}

/** One call of a denoiser function, its tensors turned to arrays. */
async function call(
  { denoiser, tensor, ids, shape }: ModelOptions,
  x: Float32Array,
  t: number,
  index: number,
  copies: number,
): Promise<ModelOutput> {
  const input = tensor ? tensor(x, [copies * ids.length, ...shape]) : x;
  try {
    const output: unknown = await (denoiser as (x: unknown, t: number, index: number) => unknown)(input, t, index);
    const both = output as { cond?: unknown; uncond?: unknown } | undefined;
    if (isTensor(both?.cond) || isTensor(both?.uncond)) {
      return { cond: await untensor(both?.cond), uncond: await untensor(both?.uncond) };
    }
    return isTensor(output) ? await untensor(output) : (output as ModelOutput);
  } finally {
    if (isTensor(input)) input.dispose?.();
  }
}

const isTensor = (value: unknown): value is TensorLike =>
  typeof value === "object" &&
  value !== null &&
  !ArrayBuffer.isView(value) &&
  typeof (value as TensorLike).data === "function";

async function untensor(value: unknown): Promise<Float32Array> {
  if (!isTensor(value)) return value as Float32Array;
  const values = await value.data();
  value.dispose?.();
  return values instanceof Float32Array ? values : Float32Array.from(values);
}

/** The conditional pass, and the unconditional one where guidance has a use for it. */
export function split(output: ModelOutput, guidance: number, size: number, name: string): Passes {
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

/** A Float32Array of a size. @throws EtalonError BAD_TYPE, BAD_SHAPE */
export function floats(
  argument: string,
  value: unknown,
  size: number,
  hint = "It is float32 [samples, ...shape].",
): Float32Array {
  if (value instanceof Float32Array) return check.length(argument, value, size, hint);
  throw new EtalonError("BAD_TYPE", { argument, value, allowed: "a Float32Array" });
}

const outputName = ({ index, t }: EvaluationPoint) => `the denoiser's output at step ${index} (t = ${t})`;
