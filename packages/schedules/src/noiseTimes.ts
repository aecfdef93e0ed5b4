import { check } from "@etalon/errors";
import { type AysTable, aysTables } from "./aysTables.ts";
import { continuousTimes } from "./continuousTimes.ts";
import { discreteTimes } from "./discreteTimes.ts";
import { type GridOptions, type NoiseSpacing, noiseSpacings, plainSpacings } from "./GridOptions.ts";
import { aysLevels, noiseLevels } from "./noiseLevels.ts";
import type { Path } from "./Path.ts";
import { timeOfLogSnr } from "./timeOfLogSnr.ts";

/**
 * The times of n noise levels that are laid by "karras", "exponential", "beta" or "ays", then the path's dataTime. Where a path ends at noise (VE), its
 * dataTime is the last of n + 1 levels.
 */
export function noiseTimes(path: Path, n: number, options: GridOptions): number[] {
  const { spacing, table = "sd15", rho } = options;
  const endsAtData = path.at(path.dataTime).sigma === 0 || path.discrete;
  if (spacing === "ays") {
    const { timesteps } = aysTables[check.oneOf("table", table, Object.keys(aysTables) as AysTable[])];
    const own = n === timesteps?.length && path.discrete && path.noiseTime === 999;
    const times = own ? [...timesteps] : aysLevels(table, n).map((ratio) => timeOf(path, published(path, ratio)));
    return [...times, path.dataTime];
  }
  const name = check.oneOf("spacing", spacing, noiseSpacings) satisfies NoiseSpacing;
  const [first, last] = endTimes(path, n, options);
  const [most, least] = [first, last].map((t) => levelOf(path, t));
  const [sigmaMax, sigmaMin] = [options.sigmaMax ?? most, options.sigmaMin ?? least];
  check.range("sigmaMax", sigmaMax, { above: 0 }, "In pure noise σ/α is infinite: start the grid later.");
  check.range("sigmaMin", sigmaMin, { above: 0, below: sigmaMax });
  const count = endsAtData ? n : n + 1;
  const levels = noiseLevels(name, count, sigmaMax, sigmaMin, rho);
  const times = levels.map((level, i) => {
    if (i === 0 && options.sigmaMax === undefined) return first; // the ends are met without a search
    if (i === count - 1 && options.sigmaMin === undefined) return last;
    return path.name === "flow" ? level : timeOf(path, level);
  });
  return endsAtData ? [...times, path.dataTime] : times;
}

/** The first time, and the last one before the data. */
function endTimes(path: Path, n: number, options: GridOptions): readonly [number, number] {
  const { ends, start = path.noiseTime, lastTime = 1 / 1000 } = options;
  if (ends !== undefined) {
    check.oneOf("ends", ends, plainSpacings);
    const base = { ...options, spacing: ends };
    const times = path.discrete ? discreteTimes(path, n, base) : continuousTimes(path, n, base);
    return [times[0], times[n - 1]];
  }
  if (path.discrete) {
    discreteTimes(path, n, { ...options, spacing: "linspace" }); // for its checks
    return [start, 0];
  }
  if (path.at(path.dataTime).sigma > 0) return [start, path.dataTime];
  const base = { ...options, spacing: "linspace" as const };
  const two = continuousTimes(path, 2, { ...base, lastTime });
  return [two[0], two[1]];
}

/** What is laid evenly: σ on flow, σ/α elsewhere. */
const levelOf = (path: Path, t: number): number =>
  path.name === "flow" ? path.at(t).sigma : Math.exp(-path.at(t).logSnr);

/** A level of a published table, which is rounded: one just above the path's noisiest is that one. */
function published(path: Path, ratio: number): number {
  const most = Math.exp(-path.at(path.noiseTime).logSnr);
  return ratio > most && ratio < most * 1.001 ? most : ratio;
}

const timeOf = (path: Path, ratio: number): number => timeOfLogSnr(path, -Math.log(ratio));
