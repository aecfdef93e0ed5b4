import { check, EtalonError } from "@etalon/errors";
import { continuousTimes } from "./continuousTimes.ts";
import { discreteTimes } from "./discreteTimes.ts";
import { type GridOptions, type NoiseSpacing, noiseSpacings } from "./GridOptions.ts";
import { noiseTimes } from "./noiseTimes.ts";
import type { Path } from "./Path.ts";

/**
 * The n + 1 times of a trajectory of n steps, from noise to data; strictly falling, the last one is the path's dataTime.   docs/math.md §1
 * Discrete: training timesteps, then −1; as diffusers' DDIM grids, but a step goes to the next time of the grid, never to t − T/n.
 * What the options leave out is taken from the path's own `grid`, where it has one.
 * @throws EtalonError OUT_OF_RANGE: an option the path does not know, more steps than there are timesteps, noise levels that do not lie on the path or fall on one timestep
 */
export function timeGrid(path: Path, n: number, options: GridOptions = {}): number[] {
  check.count("steps", n);
  const given = defined(options);
  const all: GridOptions = { ...defaultsFor(path, given), ...given };
  const times = isNoise(all.spacing)
    ? noiseTimes(path, n, all)
    : path.discrete
      ? discreteTimes(path, n, all)
      : continuousTimes(path, n, all);
  const wrong = times.findIndex((t, i) => i > 0 && !(t < times[i - 1]));
  if (wrong > 0) {
    throw new EtalonError("OUT_OF_RANGE", {
      argument: "steps",
      value: n,
      allowed: `a number at which the times fall: here times[${wrong - 1}] and times[${wrong}] are ${times[wrong - 1]} and ${times[wrong]}`,
      hint: path.discrete && !path.interpolates ? "A path with interpolation has times between timesteps." : undefined,
    });
  }
  return times;
}

const isNoise = (spacing: unknown): spacing is NoiseSpacing | "ays" =>
  spacing === "ays" || noiseSpacings.includes(spacing as NoiseSpacing);

/** The path's own options, but those that something given stands in for. */
function defaultsFor(path: Path, given: GridOptions): GridOptions {
  const { shift, fluxTokens, spacing, ...rest } = path.grid ?? {};
  const ownShift = given.shift === undefined && given.fluxTokens === undefined;
  return {
    ...rest,
    ...(ownShift ? { shift, fluxTokens } : {}),
    ...(spacing === undefined || given.spacing !== undefined ? {} : { spacing }),
  };
}

const defined = (options: GridOptions): GridOptions =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
