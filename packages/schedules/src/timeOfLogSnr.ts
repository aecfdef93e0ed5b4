import { EtalonError } from "@etalon/errors";
import type { Path } from "./Path.ts";

/**
 * The time at which a path has a log-SNR, the inverse of `path.at(t).logSnr`, by bisection.   docs/math.md §1
 * On a discrete path that does not interpolate it is the nearest training timestep.
 * @param logSnr  log(α/σ), finite    @throws EtalonError OUT_OF_RANGE: a log-SNR that the path does not have between its noisiest time and its data
 */
export function timeOfLogSnr(path: Path, logSnr: number): number {
  const whole = path.discrete && !path.interpolates;
  const range = path.discrete ? [0, path.noiseTime] : [path.dataTime, Math.max(path.noiseTime, 1)];
  let [low, high] = range; // the data's side, the noise's side
  const snr = (t: number) => path.at(t).logSnr;
  const slack = 1e-9 * (1 + Math.abs(logSnr));
  if (!(logSnr <= snr(low) + slack && logSnr >= snr(high) - slack)) {
    const allowed = `a log-SNR from ${snr(high)} to ${snr(low)} on path ${path.name}`;
    throw new EtalonError("OUT_OF_RANGE", { argument: "logSnr", value: logSnr, allowed });
  }
  if (logSnr >= snr(low)) return low;
  if (logSnr <= snr(high)) return high;
  while (whole ? high - low > 1 : high - low > 2e-16 * high) {
    const middle = whole ? Math.floor((low + high) / 2) : (low + high) / 2;
    if (middle <= low || middle >= high) break;
    if (snr(middle) >= logSnr) low = middle;
    else high = middle;
  }
  return snr(low) - logSnr < logSnr - snr(high) ? low : high;
}
