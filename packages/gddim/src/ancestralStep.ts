import { check, EtalonError } from "@etalon/errors";
import type { Path } from "@etalon/schedules";
import { affine } from "./affine.ts";
import { marginalStep, snrGap } from "./marginalStep.ts";
import type { StepMap } from "./StepMap.ts";

/** Options of `ancestralStep`. */
export interface AncestralOptions {
  /** "small" is the posterior's own variance (DDPM's fixed_small), which keeps the marginals; "large" is β_t (fixed_large), which does not. Default "small". */
  variance?: "small" | "large";
}

/**
 * One ancestral step, on any path: std² = η² σ_s² (1 − r²), r = (σ_s/α_s)/(σ_t/α_t). η = 1 is the posterior of x_s given x_t and x̂0, and is gDDIM's at η = 1;
 * other η are k-diffusion's, and on VP DDIM's.   docs/math.md §2; DDPM, arXiv:2006.11239, eq. 7; k-diffusion, `get_ancestral_step`
 * @param eta  ≥ 0, up to 1/√(1 − r²). Default 1
 * @throws EtalonError OUT_OF_RANGE: an eta above the largest one of this step, which the message gives; UNSUPPORTED: "large" beside another eta than 1
 */
export function ancestralStep(
  path: Path,
  t: number,
  s: number,
  eta = 1,
  { variance = "small" }: AncestralOptions = {},
): StepMap {
  check.range("eta", eta, { min: 0 }, "0 gives the deterministic sampler.");
  check.oneOf("variance", variance, ["small", "large"]);
  const gap = snrGap(path, t, s);
  const [from, to] = [path.at(t), path.at(s)];
  if (eta === 0 || gap === 0 || to.sigma === 0) return marginalStep(path, t, s, 0);
  const unit = 0 - Math.expm1(-2 * gap); // 1 − r²
  if (variance === "large") {
    check.that(eta === 1, "UNSUPPORTED", { argument: "eta", value: eta, allowed: "1 with variance large" });
    // The posterior's mean with the transition's variance: σ_t² − (α_t/α_s)² σ_s², in the state's units at s.
    const keep = Math.exp(-gap);
    return affine(path.prediction, from, { x0: to.alpha, eps: to.sigma * keep }, from.sigma * Math.sqrt(unit));
  }
  const share = eta * eta * unit;
  if (share > 1 + 1e-12) {
    throw new EtalonError("OUT_OF_RANGE", {
      argument: "eta",
      value: eta,
      allowed: `at most ${1 / Math.sqrt(unit)} for an ancestral step from ${t} to ${s}`,
      hint: "Beyond it the step would take the root of a negative number; gDDIM serves every eta.",
    });
  }
  return marginalStep(path, t, s, Math.log1p(-Math.min(share, 1)) / 2);
}
