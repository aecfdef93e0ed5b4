import { check } from "@etalon/errors";
import { type Path, type Prediction, predictions } from "./Path.ts";

/** Options of a discrete variance-preserving path. The defaults are Stable Diffusion v1.5's. */
export interface DiscreteVpOptions {
  prediction?: Prediction;
  betaStart?: number;
  betaEnd?: number;
  /** 'scaled_linear' is linear in √β. */
  betaSchedule?: "linear" | "scaled_linear";
  trainTimesteps?: number;
  /** The last point, time −1: clean data (ᾱ = 1), or as noisy as timestep 0. diffusers' set_alpha_to_one; false in Stable Diffusion v1.5. */
  finalAlphaOne?: boolean;
}

/**
 * The discrete path of Stable Diffusion v1.5: ᾱ_t = ∏ (1 − β_i), √β linear from √0.00085 to √0.012 over 1000 timesteps. Times are 0 … 999, and −1 for the end of a grid.
 * diffusers keeps the betas in float32; here they are float64, 2e-7 away.
 * @throws EtalonError OUT_OF_RANGE
 */
export function stableDiffusion15(options: DiscreteVpOptions = {}): Path {
  const {
    prediction = "epsilon",
    betaStart = 0.00085,
    betaEnd = 0.012,
    betaSchedule = "scaled_linear",
    trainTimesteps = 1000,
  } = options;
  const { finalAlphaOne = false } = options;
  check.oneOf("prediction", prediction, predictions);
  check.oneOf("betaSchedule", betaSchedule, ["linear", "scaled_linear"]);
  check.range("betaStart", betaStart, { above: 0, below: 1 });
  check.range("betaEnd", betaEnd, { above: 0, below: 1 });
  check.range("trainTimesteps", trainTimesteps, { min: 2, integer: true });
  const logAlphaBar = cumulativeLog(betas(betaStart, betaEnd, betaSchedule, trainTimesteps));
  const last = trainTimesteps - 1;
  return {
    name: "stable-diffusion-v1-5",
    prediction,
    discrete: true,
    noiseTime: last,
    dataTime: -1,
    at(t) {
      check.range("t", t, { min: -1, max: last, integer: true });
      const log = t >= 0 ? logAlphaBar[t] : finalAlphaOne ? 0 : logAlphaBar[0];
      const [alpha, variance] = [Math.exp(log / 2), 0 - Math.expm1(log)];
      return { alpha, sigma: Math.sqrt(variance), logSnr: (log - Math.log(variance)) / 2 };
    },
  };
}

function betas(start: number, end: number, schedule: "linear" | "scaled_linear", n: number): Float64Array {
  const [from, to] = schedule === "linear" ? [start, end] : [Math.sqrt(start), Math.sqrt(end)];
  const line = Float64Array.from({ length: n }, (_, i) => from + ((to - from) * i) / (n - 1));
  return schedule === "linear" ? line : line.map((value) => value * value);
}

function cumulativeLog(beta: Float64Array): Float64Array {
  let sum = 0;
  return beta.map((value) => (sum += Math.log1p(-value)));
}
