import { check } from "@etalon/errors";
import type { Path } from "@etalon/schedules";
import { exponentialWeights } from "./exponentialWeights.ts";
import { termOf } from "./multistepMap.ts";
import { pastTimes } from "./pastTimes.ts";
import type { StepMap } from "./StepMap.ts";

/** Options of `dpmSolverStep`. */
export interface DpmSolverOptions {
  /** 1, 2 or 3; no more than there are times. Default: the number of times, at most 2. */
  order?: number;
  /** Noise level ≥ 0: 0 is the ODE (DPM-Solver++), 1 its SDE form as published. Default 0. */
  eta?: number;
  /** How order 2 weighs the slope: "midpoint", ½·(weight of the value), as everybody's default, or "heun", its exact integral. Default "midpoint". */
  type?: "midpoint" | "heun";
  /** Whether the data is extrapolated (DPM-Solver++) or the noise (DPM-Solver). Default "data". */
  form?: "data" | "noise";
  /**
   * Repeats the third order as DPM-Solver, diffusers and MixGRPO publish it: the second difference at half its weight, and in the SDE form with the wrong sign.
   * It is of order 2 then. Default false.
   */
  publishedThirdOrder?: boolean;
  /** Repeats the "noise" form as MixGRPO publishes it (`dpm_algorithm_type: dpmsolver`): with x̂0 where the formula has ε̂, which solves no ODE. Default false. */
  publishedNoiseForm?: boolean;
}

/**
 * One multistep DPM-Solver++ step from times[0] to s, at any noise level: x̂0 as a polynomial in log-SNR through the last outputs, the linear rest solved
 * exactly: mean = (σ_s/σ_t) e^{−η²h} x + α_s ∫_0^h (1 + η²) e^{−(1+η²)(h−u)} x̂0(u) du, std = σ_s √(1 − e^{−2η²h}), h the rise of log-SNR.
 * Order 1 is gDDIM at every η; η = 0 is DPM-Solver++, η = 1 SDE-DPM-Solver++.   docs/math.md §2; arXiv:2211.01095, algorithm 2 and section 5; for other η, SA-Solver, arXiv:2309.05019
 * @param times  the step's time, then those of earlier steps, newest first: rising    @param s  nearer the data
 * @returns a map whose `earlier` has order − 1 terms. Where h is infinite (σ_s = 0, or α_t = 0) no polynomial helps: order 1
 * @throws EtalonError OUT_OF_RANGE: an order above the number of times, times that do not rise, eta negative; "noise" at σ_s = 0 or α_t = 0
 */
export function dpmSolverStep(
  path: Path,
  times: readonly number[],
  s: number,
  options: DpmSolverOptions = {},
): StepMap {
  const {
    eta = 0,
    type = "midpoint",
    form = "data",
    publishedThirdOrder = false,
    publishedNoiseForm = false,
  } = options;
  check.range("eta", eta, { min: 0 }, "0 gives the deterministic sampler.");
  check.oneOf("type", type, ["midpoint", "heun"]);
  check.oneOf("form", form, ["data", "noise"]);
  const { h, points } = pastTimes(path, times, s, { order: options.order, most: 2 });
  const [from, to] = [points[0], path.at(s)];
  if (h === 0) return { a: 1, b: 0, std: 0 };
  if (form === "noise") {
    check.range(
      "h",
      h,
      {},
      'DPM-Solver for the noise ends before the data and starts after pure noise: form "data" does not.',
    );
  }
  const nodes = points.map(({ logSnr }) => (points.length > 1 ? (logSnr - from.logSnr) / h : 0));
  const noise = eta * eta;
  const z = form === "data" ? (1 + noise) * h : -h;
  const weights = weightsOf(z, nodes, type, publishedThirdOrder && { sde: eta > 0 });
  const scale = form === "data" ? to.alpha : (1 + noise) * to.sigma;
  const [current, ...earlier] = weights.map((w, j) =>
    termOf(path, points[j], form === "data" || publishedNoiseForm ? { x0: scale * w } : { eps: scale * w }),
  );
  const decay = eta === 0 ? 0 : eta * (eta * h); // eta·eta first could underflow to 0·∞
  const keep = form === "data" ? (to.sigma / from.sigma) * Math.exp(-decay) : to.alpha / from.alpha;
  const std = form === "data" ? Math.sqrt(0 - Math.expm1(-2 * decay)) : eta * Math.sqrt(Math.expm1(2 * h));
  return { a: keep + current.a, b: current.b, std: to.sigma * std, ...(earlier.length > 0 ? { earlier } : {}) };
}

/** Weights of the values at the nodes, in units of α_s or σ_s. */
function weightsOf(z: number, nodes: readonly number[], type: string, published: false | { sde: boolean }): number[] {
  if (nodes.length === 2 && type === "midpoint") {
    const whole = -Math.expm1(-z);
    const slope = whole / (-2 * nodes[1]);
    return [whole + slope, -slope];
  }
  const exact = exponentialWeights(z, nodes);
  if (nodes.length < 3 || published === false) return exact;
  // Theirs weighs the second difference D2, which is half the second derivative, as if it were the whole; and the SDE form has −½ for +½.
  const [r0, r1] = [-nodes[1], nodes[1] - nodes[2]];
  const quadratic = exponentialWeights(z, nodes).reduce((sum, w, i) => sum + w * nodes[i] ** 2, 0); // ∫ v²
  const theirs = quadratic / 2 - (published.sde ? 1 : 0);
  const [d0, d1, d2] = [1 / (r0 * (r0 + r1)), -1 / (r0 * r1), 1 / (r1 * (r0 + r1))]; // D2 as a difference of the values
  const miss = theirs - quadratic;
  return [exact[0] + miss * d0, exact[1] + miss * d1, exact[2] + miss * d2];
}
