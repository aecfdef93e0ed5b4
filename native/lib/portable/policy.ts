import type { Half } from "../binding.ts";
import type { Elements } from "../Elements.ts";
import { widened } from "./float16.ts";

/** A policy's arrays as float32. */
export interface WidePolicy {
  x: Float32Array;
  cond: Float32Array;
  uncond: Float32Array | null;
}

/** The arrays as float32, whatever they are. */
export function widePolicy(x: Elements, cond: Elements, uncond: Elements | null, half: Half): WidePolicy {
  return { x: widened(x, half), cond: widened(cond, half), uncond: uncond && widened(uncond, half) };
}

/** A sample's step, out of the flat maps of a binding's call. */
export interface Step {
  a: number;
  b: number;
  std: number;
  guidance: number;
}

/** The step of one sample: maps hold four numbers a sample, or four for all. */
export function stepOf(maps: Float64Array, sample: number): Step {
  const at = maps.length === 4 ? 0 : 4 * sample;
  return { a: maps[at], b: maps[at + 1], std: maps[at + 2], guidance: maps[at + 3] };
}

/** The model's output at an element, after guidance. */
export function outputAt(cond: Float32Array, uncond: Float32Array | null, guidance: number, i: number): number {
  return uncond === null ? cond[i] : uncond[i] + guidance * (cond[i] - uncond[i]);
}

/** The policy's mean at an element: a·x + b·o. */
export function meanAt({ x, cond, uncond }: WidePolicy, { a, b, guidance }: Step, i: number): number {
  return a * x[i] + b * outputAt(cond, uncond, guidance, i);
}

/** Log-probability of a sample, of its sum of squared residuals.   docs/math.md §3 */
export function logProbOf(squares: number, std: number, dim: number): number {
  return -0.5 * (squares / (std * std)) - dim * (Math.log(std) + 0.9189385332046728);
}

/** What a binding throws where a result is no finite number; the face finds out why. */
export function notFinite(sample: number): Error {
  return Object.assign(new Error(`sample ${sample} has a result that is not finite`), { code: "ETALON_NOT_FINITE" });
}
