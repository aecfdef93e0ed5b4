import { check, EtalonError } from "@etalon/errors";
import type { Dtype } from "./Dtype.ts";
import type { Elements } from "./Elements.ts";
import type { NoiseKey } from "./NoiseKey.ts";
import type { StepMap } from "./StepMap.ts";

/** A Float32Array of just this many elements. @throws EtalonError BAD_TYPE, BAD_SHAPE */
export function floats(argument: string, value: unknown, length: number, hint?: string): Float32Array {
  if (value instanceof Float32Array && value.length === length) return value;
  if (value instanceof Float32Array) return check.length(argument, value, length, hint);
  throw new EtalonError("BAD_TYPE", { argument, value, allowed: `a Float32Array of ${length} elements` });
}

/** The code of a dtype on the addon's border: 0 where the call has no 16-bit arrays. @throws EtalonError OUT_OF_RANGE: no such dtype */
export function halfOf(dtype: Dtype | undefined): 0 | 1 | 2 {
  if (dtype === undefined) return 0;
  return check.oneOf("dtype", dtype, ["bfloat16", "float16"]) === "bfloat16" ? 1 : 2;
}

/** A Float32Array of just this many elements; or a Uint16Array, in a call that says its dtype. @throws EtalonError BAD_TYPE, BAD_SHAPE */
export function elements(argument: string, value: unknown, length: number, half: number, hint?: string): Elements {
  if (!(value instanceof Uint16Array)) return floats(argument, value, length, hint);
  typed(argument, half);
  return check.length(argument, value, length, hint);
}

function typed(argument: string, half: number): void {
  if (half !== 0) return;
  const allowed = `bfloat16 or float16, as ${argument} is a Uint16Array`;
  throw new EtalonError("BAD_TYPE", { argument: "dtype", value: undefined, allowed });
}

/** An array of the kind of another, of just as many elements. @throws EtalonError BAD_TYPE, BAD_SHAPE */
export function alike<E extends Elements>(argument: string, value: unknown, other: E, name: string, hint?: string): E {
  const kind = other instanceof Float32Array ? Float32Array : Uint16Array;
  if (!(value instanceof kind)) {
    const allowed = `a ${kind.name} of ${other.length} elements${kind === Float32Array ? "" : `, as ${name}`}`;
    throw new EtalonError("BAD_TYPE", { argument, value, allowed });
  }
  if (value.length !== other.length) check.length(argument, value, other.length, hint);
  return value as E;
}

/** Elements of a sample: 1 … 2^31 − 1. */
export function dimOf(dim: unknown): number {
  return check.range("dim", dim, dims);
}
const dims = { min: 1, max: 2 ** 31 - 1, integer: true };

/** How many samples of `dim` elements x holds. @throws EtalonError BAD_TYPE, BAD_SHAPE: no whole number of them, or none */
export function batchOf(x: unknown, dim: number, half: number): number {
  if (x instanceof Uint16Array) typed("x", half);
  const right = x instanceof Float32Array || x instanceof Uint16Array;
  if (right && x.length > 0 && x.length % dim === 0) return x.length / dim;
  const kind = x instanceof Uint16Array ? "Uint16Array" : "Float32Array";
  const allowed = `a ${kind} of a multiple of dim = ${dim} elements`;
  throw new EtalonError(right ? "BAD_SHAPE" : "BAD_TYPE", { argument: "x", value: x, allowed });
}

const seeds = "a bigint from 0 to 2^64 − 1";
const seedEnd = 2n ** 64n;
const steps = { min: 0, max: 2 ** 32 - 1, integer: true };

/** A noise key with at least one sample, and none twice. @throws EtalonError OUT_OF_RANGE, BAD_TYPE, BAD_SHAPE */
export function keyOf(key: NoiseKey): NoiseKey {
  const { seed, step, samples } = key ?? {};
  if (typeof seed !== "bigint") {
    throw new EtalonError("BAD_TYPE", { argument: "key.seed", value: seed, allowed: seeds });
  }
  if (seed < 0n || seed >= seedEnd) {
    throw new EtalonError("OUT_OF_RANGE", { argument: "key.seed", value: seed, allowed: seeds });
  }
  check.range("key.step", step, steps);
  if (!(samples instanceof Uint32Array)) {
    throw new EtalonError("BAD_TYPE", { argument: "key.samples", value: samples, allowed: "a Uint32Array of ids" });
  }
  if (samples.length === 0) {
    throw new EtalonError("BAD_SHAPE", { argument: "key.samples", value: samples, allowed: "one id or more" });
  }
  if (samples.length > 1) refuseTwice(samples);
  return key;
}

/** Two samples of one id would be given the same noise, and pass for independent. */
function refuseTwice(samples: Uint32Array): void {
  const sorted = samples.length > 2 ? samples.toSorted() : samples;
  const at = sorted.findIndex((id, i) => i > 0 && id === sorted[i - 1]);
  if (at < 0) return;
  const first = samples.indexOf(sorted[at]);
  const again = samples.indexOf(sorted[at], first + 1);
  throw new EtalonError("OUT_OF_RANGE", {
    argument: `key.samples[${again}]`,
    value: sorted[at],
    allowed: `an id of its own: key.samples[${first}] has this one`,
    hint: "Samples of one id would get the same noise.",
  });
}

/** One number a sample as float64. @throws EtalonError BAD_SHAPE, BAD_TYPE, OUT_OF_RANGE: a number that is not finite */
export function perSample(argument: string, values: ArrayLike<number>, batch: number): Float64Array {
  if (values?.length !== batch) check.length(argument, values, batch, "One number a sample.");
  const numbers = values instanceof Float64Array ? values : Float64Array.from(values);
  for (let i = 0; i < batch; i++) {
    if (!Number.isFinite(numbers[i]) || typeof values[i] !== "number") check.range(`${argument}[${i}]`, values[i]);
  }
  return numbers;
}

/**
 * A step, or one a sample, as a binding takes it: (a, b, std, guidance) in a row.
 * @param noisy  what has no meaning at std = 0; undefined where std = 0 is fine
 * @throws EtalonError OUT_OF_RANGE, BAD_SHAPE, BAD_TYPE
 */
export function mapsOf(
  map: StepMap | readonly StepMap[],
  guidance: number,
  batch: number,
  noisy: "log-probability" | "policy gradient" | undefined,
): Float64Array {
  const each: readonly StepMap[] = isList(map)
    ? check.length("map", map, batch, "One a sample, or one for all.")
    : [map];
  const maps = new Float64Array(4 * each.length);
  for (let i = 0; i < each.length; i++) {
    const step = each[i];
    const { a, b, std } = step ?? {};
    const fine = Number.isFinite(a) && Number.isFinite(b) && Number.isFinite(std) && (noisy ? std > 0 : std >= 0);
    if (!fine) refuseStep(isList(map) ? `map[${i}]` : "map", step, noisy);
    maps[4 * i] = a;
    maps[4 * i + 1] = b;
    maps[4 * i + 2] = std;
    maps[4 * i + 3] = guidance;
  }
  return maps;
}

function refuseStep(name: string, step: StepMap, noisy: string | undefined): void {
  check.range(`${name}.a`, step?.a);
  check.range(`${name}.b`, step?.b);
  if (noisy) check.range(`${name}.std`, step?.std, { above: 0 }, `A deterministic step has no ${noisy}.`);
  else check.range(`${name}.std`, step?.std, { min: 0 });
}

const isList = (map: StepMap | readonly StepMap[]): map is readonly StepMap[] => Array.isArray(map);

/** The guidance weight; anything but 1 needs the unconditional output. @throws EtalonError OUT_OF_RANGE, BAD_TYPE */
export function guidanceOf(guidance: number | undefined, uncond: Elements | undefined): number {
  const weight = check.range("guidance", guidance ?? 1);
  if (weight !== 1 && uncond === undefined) {
    throw new EtalonError("BAD_TYPE", {
      argument: "uncond",
      value: uncond,
      allowed: `a Float32Array, as guidance is ${weight}`,
      hint: "Guidance 1 needs no unconditional output.",
    });
  }
  return weight;
}

/** An output that shares memory with no input, save that it may be just `same`. @throws EtalonError BAD_SHAPE */
export function apart(
  argument: string,
  out: Elements,
  inputs: Record<string, Elements | undefined>,
  same?: string,
): void {
  for (const name in inputs) {
    const input = inputs[name];
    if (input === undefined || input.buffer !== out.buffer) continue;
    if (name === same && input.byteOffset === out.byteOffset) continue;
    if (out.byteOffset + out.byteLength <= input.byteOffset || input.byteOffset + input.byteLength <= out.byteOffset)
      continue;
    throw new EtalonError("BAD_SHAPE", { argument, value: out, allowed: `memory that ${name} does not share` });
  }
}

/** Where to put a number a sample; default: a new array. @throws EtalonError BAD_TYPE, BAD_SHAPE */
export function scalars(argument: string, out: Float64Array | undefined, batch: number): Float64Array {
  if (out === undefined) return new Float64Array(batch);
  if (!(out instanceof Float64Array)) {
    throw new EtalonError("BAD_TYPE", { argument, value: out, allowed: `a Float64Array of ${batch} numbers` });
  }
  return check.length(argument, out, batch, "One number a sample.");
}
