import { check } from "@etalon/errors";
import type { Path } from "@etalon/schedules";
import { marginalStep, snrGap } from "./marginalStep.ts";
import type { StepMap } from "./StepMap.ts";

/**
 * One gDDIM step from t to s as an affine map of state and model output: mean = a·x + b·o, sample = mean + std·z.
 * Keeps the path's marginal at s for every eta, also above 1.   docs/math.md §2; gDDIM, arXiv:2206.05564; as used in arXiv:2510.10767
 * @param t, s  times in the path's unit, s nearer the data    @param eta  noise level ≥ 0: 0 is the ODE (DDIM), 1 on VP is ancestral DDPM
 * @returns float64 scalars; std = 0 where eta = 0 or σ_s = 0: no noise, no log-probability. From α_t = 0 any eta > 0 re-draws all noise
 * @throws EtalonError OUT_OF_RANGE: eta negative or not finite, a time off the path, s farther from the data than t
 */
export function gddimStep(path: Path, t: number, s: number, eta: number): StepMap {
  check.range("eta", eta, { min: 0 }, "0 gives the deterministic sampler.");
  const gap = snrGap(path, t, s);
  return marginalStep(path, t, s, eta === 0 || gap === 0 ? 0 : -eta * (eta * gap)); // ρ = r^(η²); r^0 = 1, also where r = 0; eta·eta first could underflow to 0·∞
}
