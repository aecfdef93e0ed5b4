import { check, EtalonError } from "@etalon/errors";
import type { Path } from "./Path.ts";

/** How the times of a grid lie. */
export interface TimeGridOptions {
  /** Discrete paths: as diffusers' timestep_spacing. Continuous paths know 'linspace' only. */
  spacing?: "leading" | "linspace" | "trailing";
  /** Added to 'leading' timesteps: diffusers' steps_offset; 1 in Stable Diffusion v1.5. */
  stepsOffset?: number;
  /** Flows: t ↦ s·t/(1 + (s − 1)·t) with this s ≥ 0; 3 in SD3. */
  shift?: number;
  /** Flows: FLUX's dynamic shift for this number of image tokens (a quarter of the latent's pixels), in place of `shift`. */
  fluxTokens?: number;
  /** The first time; the path's noiseTime where left out. */
  start?: number;
}

/**
 * n + 1 times from noise to data, strictly falling. On a discrete path the last one is −1, the path's end; on a flow a uniform grid is shifted as asked. docs/math.md §1.
 * @param n  steps, ≥ 1    @throws EtalonError OUT_OF_RANGE: n, an option, or an option that the path does not know
 */
export function timeGrid(path: Path, n: number, options: TimeGridOptions = {}): number[] {
  check.count("n", n);
  return path.discrete ? discreteGrid(path, n, options) : continuousGrid(path, n, options);
}

function discreteGrid(
  path: Path,
  n: number,
  { spacing = "leading", stepsOffset = 1, shift, fluxTokens, start }: TimeGridOptions,
): number[] {
  check.oneOf("spacing", spacing, ["leading", "linspace", "trailing"]);
  if (shift !== undefined || fluxTokens !== undefined)
    throw new EtalonError("OUT_OF_RANGE", {
      argument: "shift",
      value: shift ?? fluxTokens,
      allowed: "none on a discrete path",
    });
  const last = check.range("start", start ?? path.noiseTime, { min: 0, max: path.noiseTime, integer: true });
  const train = last + 1;
  check.range("n", n, { max: train });
  const times = Array.from({ length: n }, (_, i) => {
    if (spacing === "leading") return Math.min(last, Math.floor(train / n) * (n - 1 - i) + stepsOffset);
    if (spacing === "trailing") return Math.round(train - (i * train) / n) - 1;
    return n === 1 ? last : Math.round((last * (n - 1 - i)) / (n - 1));
  });
  return checkFalling([...times, path.dataTime]);
}

function continuousGrid(
  path: Path,
  n: number,
  { spacing = "linspace", stepsOffset, shift, fluxTokens, start = path.noiseTime }: TimeGridOptions,
): number[] {
  check.oneOf("spacing", spacing, ["linspace"]);
  check.range("start", start, { above: path.dataTime, max: 1 });
  const odd = { stepsOffset, ...(path.name === "rectified-flow" ? {} : { shift, fluxTokens }) };
  for (const [argument, value] of Object.entries(odd)) {
    if (value !== undefined)
      throw new EtalonError("OUT_OF_RANGE", { argument, value, allowed: `none on ${path.name}` });
  }
  const s = fluxTokens === undefined ? check.range("shift", shift ?? 1, { above: 0 }) : fluxShift(fluxTokens);
  const times = Array.from({ length: n + 1 }, (_, i) => {
    const t = start * (1 - i / n);
    return s === 1 ? t : (s * t) / (1 + (s - 1) * t);
  });
  return checkFalling(times);
}

/** FLUX's time shift e^μ, μ linear in the number of image tokens: 0.5 at 256, 1.15 at 4096 (diffusers' calculate_shift). */
export function fluxShift(tokens: number): number {
  check.count("fluxTokens", tokens);
  return Math.exp(0.5 + ((1.15 - 0.5) * (tokens - 256)) / (4096 - 256));
}

function checkFalling(times: number[]): number[] {
  const fault = times.findIndex((t, i) => i > 0 && !(t < times[i - 1]));
  if (fault > 0)
    throw new EtalonError("OUT_OF_RANGE", {
      argument: "n",
      value: times.length - 1,
      allowed: "as many steps as give falling times",
    });
  return times;
}
