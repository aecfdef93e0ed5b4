import { check, EtalonError } from "@etalon/errors";
import type { Path } from "./Path.ts";
import { fluxShift, shiftTime, unshiftTime } from "./shiftTime.ts";

/** How a grid lies on its path. */
export interface GridOptions {
  /**
   * Discrete paths, with the names of diffusers: "leading" (default), "trailing", "linspace".
   * Others: "uniform" (default), or "linspace" to the smallest training time 1/1000 and then 0, as diffusers' FlowMatchEuler spaces by itself.
   */
  spacing?: "leading" | "trailing" | "linspace" | "uniform";
  /** What "leading" adds to each timestep. Default 1, as Stable Diffusion has it. */
  stepsOffset?: number;
  /** Time shift of a flow path, > 0. Default 1. */
  shift?: number;
  /** Number of image tokens, for FLUX's dynamic shift instead of a `shift`. */
  fluxTokens?: number;
  /** The first time. Default: the path's noiseTime. "leading" and "trailing" spread their steps below it. */
  start?: number;
}

/**
 * The n + 1 times of a trajectory of n steps, from noise to data; strictly falling, the last one is the path's dataTime.   docs/math.md §1
 * Discrete: training timesteps, then −1; as diffusers' DDIM grids, but a step goes to the next time of the grid, never to t − T/n.
 * @throws EtalonError OUT_OF_RANGE: an option the path does not know, or more steps than there are timesteps
 */
export function timeGrid(path: Path, n: number, options: GridOptions = {}): number[] {
  check.count("steps", n);
  return path.discrete ? discreteGrid(path, n, options) : continuousGrid(path, n, options);
}

function discreteGrid(path: Path, n: number, options: GridOptions): number[] {
  const { spacing = "leading", stepsOffset = 1, start = path.noiseTime, shift, fluxTokens } = options;
  check.oneOf("spacing", spacing, ["leading", "trailing", "linspace"]);
  check.range("start", start, { min: 0, max: path.noiseTime, integer: true });
  check.range("stepsOffset", stepsOffset, { min: 0, integer: true });
  check.that(shift === undefined && fluxTokens === undefined, "OUT_OF_RANGE", {
    argument: shift === undefined ? "fluxTokens" : "shift",
    value: shift ?? fluxTokens,
    allowed: "nothing: a discrete path has no time shift",
  });
  const count = start + 1;
  check.range("steps", n, { min: 1, max: count, integer: true });
  const times = Array.from({ length: n }, (_, i) => {
    if (spacing === "leading") return (n - 1 - i) * Math.floor(count / n) + stepsOffset;
    if (spacing === "trailing") return roundHalfEven(count - (i * count) / n) - 1;
    return n === 1 ? start : roundHalfEven((start * (n - 1 - i)) / (n - 1));
  });
  check.that(times[0] <= path.noiseTime, "OUT_OF_RANGE", {
    argument: "stepsOffset",
    value: stepsOffset,
    allowed: `at most ${path.noiseTime - times[0] + stepsOffset} with ${n} steps`,
  });
  return [...times, path.dataTime];
}

function continuousGrid(path: Path, n: number, options: GridOptions): number[] {
  const { spacing = "uniform", fluxTokens, start = path.noiseTime } = options;
  check.oneOf("spacing", spacing, ["uniform", "linspace"]);
  check.range("start", start, { above: path.dataTime, max: 1 });
  check.that(options.shift === undefined || fluxTokens === undefined, "OUT_OF_RANGE", {
    argument: "shift",
    value: options.shift,
    allowed: "nothing beside fluxTokens, which gives the shift",
  });
  check.that(options.stepsOffset === undefined, "OUT_OF_RANGE", {
    argument: "stepsOffset",
    value: options.stepsOffset,
    allowed: "nothing: only a discrete path has it",
  });
  const shift = fluxTokens === undefined ? (options.shift ?? 1) : fluxShift(fluxTokens);
  const first = unshiftTime(start, shift);
  const last = shiftTime(smallestTrainingTime, shift);
  const times = Array.from({ length: n }, (_, i) => {
    if (i === 0) return start;
    return spacing === "uniform"
      ? shiftTime((first * (n - i)) / n, shift)
      : shiftTime(first + ((last - first) * i) / (n - 1), shift);
  });
  if (times.some((t, i) => i > 0 && !(t < times[i - 1]))) {
    throw new EtalonError("OUT_OF_RANGE", {
      argument: "start",
      value: start,
      allowed: `a time above ${shiftTime(smallestTrainingTime, shift)}, where the "linspace" grid ends`,
    });
  }
  return [...times, path.dataTime];
}

const smallestTrainingTime = 1 / 1000;

/** numpy's rounding: a half goes to the even neighbour. */
function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
