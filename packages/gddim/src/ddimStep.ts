import { check, EtalonError } from "@etalon/errors";
import type { Path, PathPoint } from "@etalon/schedules";
import { marginalStep, snrGap } from "./marginalStep.ts";
import type { StepMap } from "./StepMap.ts";

/**
 * One DDIM-η step, as DDIM's paper, diffusers, TRL and ddpo-pytorch have it: std = η √((1−ᾱ_s)/(1−ᾱ_t)) √(1−ᾱ_t/ᾱ_s).   docs/math.md §2; arXiv:2010.02502, eq. 16
 * Variance-preserving paths only (any path at eta 0); beyond some eta > 1 it does not exist, where gDDIM still does.
 * @param t, s  times in the path's unit, s nearer the data    @param eta  0 is the ODE, 1 is ancestral DDPM
 * @throws EtalonError OUT_OF_RANGE: eta negative, not finite, or above the largest one of this step, which the message gives; UNSUPPORTED: a path that is not VP
 */
export function ddimStep(path: Path, t: number, s: number, eta: number): StepMap {
  check.range("eta", eta, { min: 0 }, "0 gives the deterministic sampler.");
  const gap = snrGap(path, t, s);
  const [from, to] = [path.at(t), path.at(s)];
  if (eta === 0 || gap === 0 || to.sigma === 0) return marginalStep(path, t, s, 0);
  check.that(preservesVariance(from) && preservesVariance(to), "UNSUPPORTED", {
    argument: "path",
    value: path.name,
    allowed: "a variance-preserving path for DDIM with eta above 0",
    hint: "gDDIM serves every path.",
  });
  const unit = (0 - Math.expm1(2 * Math.log(from.alpha / to.alpha))) / (from.sigma * from.sigma); // std²/σ_s² at eta 1
  const variance = eta * eta * unit;
  if (variance > 1 + 1e-12) {
    throw new EtalonError("OUT_OF_RANGE", {
      argument: "eta",
      value: eta,
      allowed: `at most ${1 / Math.sqrt(unit)} for DDIM at the step from ${t} to ${s}`,
      hint: "Beyond it DDIM would take the root of a negative number; gDDIM serves every eta.",
    });
  }
  return marginalStep(path, t, s, Math.log1p(-Math.min(variance, 1)) / 2);
}

const preservesVariance = ({ alpha, sigma }: PathPoint) => Math.abs(alpha * alpha + sigma * sigma - 1) < 1e-9;
