import { check } from "@etalon/errors";
import type { Path, PathPoint } from "@etalon/schedules";
import { exponentialWeights, lagrange, polynomialWeights } from "./exponentialWeights.ts";
import { legendre } from "./legendre.ts";
import { marginalStep, snrGap } from "./marginalStep.ts";
import { termOf } from "./multistepMap.ts";
import { pastTimes } from "./pastTimes.ts";
import type { CorrectorMap, PredictorCorrector, StepMap } from "./StepMap.ts";

/** What the noise is a polynomial in: log-SNR (diffusers' DEIS), ρ = σ/α (ρAB), or the path's time (tAB; the gDDIM paper's). */
export const deisVariables = ["log-snr", "rho", "time"] as const;
export type DeisVariable = (typeof deisVariables)[number];

/** Options of the DEIS steps. */
export interface DeisOptions {
  /** 1, 2 or 3. Default: the number of times, at most 3. */
  order?: number;
  /** Default "log-snr". */
  over?: DeisVariable;
}

/**
 * One multistep step of the ODE from times[0] to s with ε̂ as a polynomial through the last outputs: x_s = (α_s/α_t) x + α_s ∫ ε̂ dρ, ρ = σ/α.
 * DEIS, and gDDIM's multistep predictor, which for isotropic paths are one.   docs/math.md §2; arXiv:2204.13902; gDDIM, arXiv:2206.05564
 * @param times  the step's time, then those of earlier steps, newest first: rising    @param s  nearer the data
 * @returns a map whose `earlier` has order − 1 terms. From α_t = 0, and to σ_s = 0 but for "rho", it is the ODE step of order 1
 * @throws EtalonError OUT_OF_RANGE: an order above the number of times, times that do not rise; UNSUPPORTED: "time" on a discrete path without interpolation
 */
export function deisStep(path: Path, times: readonly number[], s: number, options: DeisOptions = {}): StepMap {
  const { over, points, to } = prepare(path, times, s, options);
  if (points.length === 1) return marginalStep(path, times[0], s, 0);
  const [current, ...earlier] = noiseWeights(path, over, times, points, s, to, false).map((w, j) =>
    termOf(path, points[j], { eps: w }),
  );
  return { a: to.alpha / points[0].alpha + current.a, b: current.b, std: 0, earlier };
}

/**
 * A predictor–corrector step: `deisStep`, then once more with the output at the predicted state among those that the polynomial goes through, so that it
 * interpolates: gDDIM's corrector.   docs/math.md §2; arXiv:2206.05564, algorithm 1
 * Order q uses q outputs in each half; the corrector of order 1 is not one, so `order` is 2 or 3. Two evaluations a step, one where σ_s = 0.
 * @returns `correct` is missing where σ_s = 0: no model is evaluated at the data
 */
export function gddimPredictorCorrector(
  path: Path,
  times: readonly number[],
  s: number,
  options: DeisOptions = {},
): Partial<PredictorCorrector> & { predict: StepMap } {
  const order = options.order ?? 2;
  check.range("order", order, { min: 2, max: 3, integer: true });
  const predict = deisStep(path, times, s, { ...options, order: Math.min(order, times.length) });
  const to = path.at(s);
  const { over, points } = prepare(path, times, s, { ...options, order: Math.min(order - 1, times.length) });
  if (to.sigma === 0 || points[0].alpha === 0 || snrGap(path, times[0], s) === 0) return { predict };
  const [next, current, ...earlier] = noiseWeights(path, over, times, points, s, to, true).map((w, j) =>
    termOf(path, j === 0 ? to : points[j - 1], { eps: w }),
  );
  const correct: CorrectorMap = { a: to.alpha / points[0].alpha + current.a, b: current.b, next };
  return { predict, correct: earlier.length > 0 ? { ...correct, earlier } : correct };
}

function prepare(path: Path, times: readonly number[], s: number, { order, over = "log-snr" }: DeisOptions) {
  check.oneOf("over", over, deisVariables);
  check.that(over !== "time" || !path.discrete || path.interpolates, "UNSUPPORTED", {
    argument: "over",
    value: over,
    allowed: "log-snr or rho on a discrete path without interpolation",
  });
  const { points } = pastTimes(path, times, s, { order, most: 3, crossesZero: over === "rho" }); // ρ = 0 is a place like any other
  return { over, to: path.at(s), points };
}

/** α_s times the weights of ∫ ε̂ dρ from t to s, for the values at the points, with the one at s before them if `corrects`. */
function noiseWeights(
  path: Path,
  over: DeisVariable,
  times: readonly number[],
  points: readonly PathPoint[],
  s: number,
  to: PathPoint,
  corrects: boolean,
): number[] {
  const all = corrects ? [to, ...points] : points;
  const now = points[0];
  if (over === "log-snr") {
    const h = to.logSnr - now.logSnr;
    const nodes = all.map(({ logSnr }) => (logSnr - now.logSnr) / h);
    return exponentialWeights(-h, nodes).map((w) => to.sigma * w);
  }
  if (over === "rho") {
    const ratio = ({ alpha, sigma }: PathPoint) => sigma / alpha;
    return polynomialWeights(ratio(now), ratio(to), all.map(ratio)).map((w) => to.alpha * w);
  }
  const at = [...(corrects ? [s] : []), ...times.slice(0, points.length)];
  return timeWeights(path, times[0], s, at).map((w) => to.alpha * w);
}

/** ∫_t^s ℓ_i(τ) ρ'(τ) dτ = [ℓ_i ρ] − ∫ ℓ_i'(τ) ρ(τ) dτ, by Gauss–Legendre: no derivative of the path is needed. */
function timeWeights(path: Path, t: number, s: number, at: readonly number[]): number[] {
  const width = s - t;
  const nodes = at.map((time) => (time - t) / width);
  const rho = (v: number) => Math.exp(-path.at(t + v * width).logSnr);
  const value = (c: readonly number[], v: number) => c.reduceRight((sum, x) => sum * v + x, 0);
  return nodes.map((node, i) => {
    const c = lagrange(node, i, nodes);
    const slope = c.slice(1).map((x, j) => (j + 1) * x);
    const inner = legendre((v) => value(slope, v) * rho(v));
    return value(c, 1) * Math.exp(-path.at(s).logSnr) - value(c, 0) * rho(0) - inner;
  });
}
