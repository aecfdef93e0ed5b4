import { check, EtalonError } from "@etalon/errors";
import type { NoiseKey } from "./NoiseKey.ts";
import type { StepMap } from "./StepMap.ts";

/** A Float32Array of just this many elements. @throws EtalonError BAD_TYPE, BAD_SHAPE */
export function floats(argument: string, value: unknown, length: number, hint?: string): Float32Array {
  if (!(value instanceof Float32Array)) {
    throw new EtalonError("BAD_TYPE", { argument, value, allowed: `a Float32Array of ${length} elements` });
  }
  return check.length(argument, value, length, hint);
}

/** Elements of a sample: 1 … 2^31 − 1. */
export function dimOf(dim: unknown): number {
  return check.range("dim", dim, { min: 1, max: 2 ** 31 - 1, integer: true });
}

/** How many samples of `dim` elements x holds. @throws EtalonError BAD_TYPE, BAD_SHAPE: no whole number of them, or none */
export function batchOf(x: unknown, dim: number): number {
  const allowed = `a Float32Array of a multiple of dim = ${dim} elements`;
  if (!(x instanceof Float32Array)) throw new EtalonError("BAD_TYPE", { argument: "x", value: x, allowed });
  if (x.length === 0 || x.length % dim !== 0) throw new EtalonError("BAD_SHAPE", { argument: "x", value: x, allowed });
  return x.length / dim;
}

/** A noise key with at least one sample. @throws EtalonError OUT_OF_RANGE, BAD_TYPE, BAD_SHAPE */
export function keyOf(key: NoiseKey): NoiseKey {
  const { seed, step, samples } = key ?? {};
  if (typeof seed !== "bigint") {
    throw new EtalonError("BAD_TYPE", { argument: "key.seed", value: seed, allowed: "a bigint from 0 to 2^64 − 1" });
  }
  check.that(seed >= 0n && seed < 2n ** 64n, "OUT_OF_RANGE", {
    argument: "key.seed",
    value: seed,
    allowed: "a bigint from 0 to 2^64 − 1",
  });
  check.range("key.step", step, { min: 0, max: 2 ** 32 - 1, integer: true });
  if (!(samples instanceof Uint32Array)) {
    throw new EtalonError("BAD_TYPE", { argument: "key.samples", value: samples, allowed: "a Uint32Array of ids" });
  }
  check.that(samples.length > 0, "BAD_SHAPE", { argument: "key.samples", value: samples, allowed: "one id or more" });
  return key;
}

/** One number a sample as float64. @throws EtalonError BAD_SHAPE, BAD_TYPE, OUT_OF_RANGE: a number that is not finite */
export function perSample(argument: string, values: ArrayLike<number>, batch: number): Float64Array {
  check.length(argument, values, batch, "One number a sample.");
  return Float64Array.from(values, (value, i) => check.range(`${argument}[${i}]`, value));
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
  each.forEach((step, i) => {
    const name = isList(map) ? `map[${i}]` : "map";
    maps[4 * i] = check.range(`${name}.a`, step?.a);
    maps[4 * i + 1] = check.range(`${name}.b`, step?.b);
    maps[4 * i + 2] = noisy
      ? check.range(`${name}.std`, step?.std, { above: 0 }, `A deterministic step has no ${noisy}.`)
      : check.range(`${name}.std`, step?.std, { min: 0 });
    maps[4 * i + 3] = guidance;
  });
  return maps;
}

const isList = (map: StepMap | readonly StepMap[]): map is readonly StepMap[] => Array.isArray(map);

/** The guidance weight; anything but 1 needs the unconditional output. @throws EtalonError OUT_OF_RANGE, BAD_TYPE */
export function guidanceOf(guidance: number | undefined, uncond: Float32Array | undefined): number {
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
  out: Float32Array,
  inputs: Record<string, Float32Array | undefined>,
  same?: string,
): void {
  for (const [name, input] of Object.entries(inputs)) {
    if (input === undefined || input.buffer !== out.buffer) continue;
    if (name === same && input.byteOffset === out.byteOffset) continue;
    if (out.byteOffset + out.byteLength <= input.byteOffset || input.byteOffset + input.byteLength <= out.byteOffset)
      continue;
    throw new EtalonError("BAD_SHAPE", { argument, value: out, allowed: `memory that ${name} does not share` });
  }
}
