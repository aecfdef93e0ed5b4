import { check, EtalonError } from "@etalon/errors";
import type { Path } from "@etalon/schedules";
import { affine } from "./affine.ts";
import { marginalStep, snrGap } from "./marginalStep.ts";
import type { StepMap } from "./StepMap.ts";

/**
 * One Euler–Maruyama step of the reverse SDE with stochasticity η, on any path: x + (α' x̂0 + σ' ε̂)Δ − η² σ λ'Δ ε̂ + η σ √(2λ'Δ) z, Δ = s − t, slopes at t.
 * For comparison: it does not keep the marginals, gDDIM does.   docs/math.md §2; arXiv:2011.13456, eq. 6
 * On flow it is Flow-SDE with a = η√2. On a discrete path a slope is the difference to the timestep before.
 * @throws EtalonError OUT_OF_RANGE: eta negative; η > 0 where α_t = 0, since the score's weight is infinite there; UNSUPPORTED: a path without slopes
 */
export function eulerMaruyamaStep(path: Path, t: number, s: number, eta: number): StepMap {
  check.range("eta", eta, { min: 0 }, "0 gives the deterministic sampler.");
  if (snrGap(path, t, s) === 0) return marginalStep(path, t, s, 0);
  const [from, slope] = [path.at(t), path.slope?.(t)];
  if (slope === undefined) {
    throw new EtalonError("UNSUPPORTED", {
      argument: "path",
      value: path.name,
      allowed: "a path with slopes for Euler–Maruyama",
    });
  }
  if (eta > 0 && from.alpha === 0) {
    throw new EtalonError("OUT_OF_RANGE", {
      argument: "t",
      value: t,
      allowed: "a time where alpha is above 0, for Euler–Maruyama with eta above 0",
      hint: "The SDE's drift is infinite in pure noise: start the grid later, or take gDDIM.",
    });
  }
  const delta = Math.max(s, path.discrete ? 0 : s) - t; // a discrete path's end, −1, is no timestep away from 0
  const rise = eta === 0 ? 0 : slope.logSnr * delta; // of log-SNR, in a line
  const weights = {
    x0: from.alpha + slope.alpha * delta,
    eps: from.sigma + slope.sigma * delta - eta * eta * from.sigma * rise,
  };
  return affine(path.prediction, from, weights, eta * from.sigma * Math.sqrt(2 * rise));
}
