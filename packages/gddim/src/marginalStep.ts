import { EtalonError } from "@etalon/errors";
import type { Path } from "@etalon/schedules";
import { affine } from "./affine.ts";
import type { StepMap } from "./StepMap.ts";

/**
 * Any step that keeps the path's marginals, by how much of the old noise it keeps: x_s = α_s x̂0 + σ_s (ρ ε̂ + √(1−ρ²) z).   docs/math.md §2
 * @param t, s  times in the path's unit, s not farther from the data than t    @param logRho  log ρ in [−∞, 0]: 0 is the ODE (DDIM), −∞ re-draws all noise
 * @returns float64 scalars; std = 0 where logRho = 0 or σ_s = 0
 * @throws EtalonError OUT_OF_RANGE: logRho positive or NaN, a time off the path, s farther from the data than t
 */
export function marginalStep(path: Path, t: number, s: number, logRho: number): StepMap {
  if (!(logRho <= 0)) {
    throw new EtalonError("OUT_OF_RANGE", { argument: "logRho", value: logRho, allowed: "a number ≤ 0, or -Infinity" });
  }
  snrGap(path, t, s);
  const [from, to] = [path.at(t), path.at(s)];
  const std = to.sigma * Math.sqrt(0 - Math.expm1(2 * logRho)); // the plain 1 − ρ² is 0.3 % off at eta 1e-6; "0 −" keeps −0 out
  return affine(path.prediction, from, { x0: to.alpha, eps: to.sigma * Math.exp(logRho) }, std);
}

/**
 * How much the log-SNR rises from t to s: −log r ≥ 0, +∞ where σ_s = 0 or α_t = 0, and 0 where t = s.
 * @throws EtalonError OUT_OF_RANGE: a time off the path, s farther from the data than t
 */
export function snrGap(path: Path, t: number, s: number): number {
  const [from, to] = [path.at(t).logSnr, path.at(s).logSnr];
  if (from === to) return 0; // also where both are infinite
  if (to > from) return to - from;
  throw new EtalonError("OUT_OF_RANGE", {
    argument: "s",
    value: s,
    allowed: `a time not farther from the data than t = ${t}`,
  });
}
