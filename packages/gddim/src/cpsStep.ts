import { check } from "@etalon/errors";
import type { Path } from "@etalon/schedules";
import { marginalStep } from "./marginalStep.ts";
import type { StepMap } from "./StepMap.ts";

/**
 * One coefficient-preserving step of Flow-CPS: std = σ_s sin(ηπ/2), so that σ_s cos(ηπ/2) of the old noise stays.   docs/math.md §2; arXiv:2509.05952
 * Its eta is a share of the step, not a rate: the noise of a trajectory grows with the number of steps. Keeps the marginals.
 * @param eta  in [0, 1]: 0 is the ODE, 1 re-draws all noise
 * @throws EtalonError OUT_OF_RANGE: eta outside [0, 1], a time off the path, s farther from the data than t
 */
export function cpsStep(path: Path, t: number, s: number, eta: number): StepMap {
  check.range("eta", eta, { min: 0, max: 1 });
  return marginalStep(path, t, s, Math.log1p(-(Math.sin((eta * Math.PI) / 2) ** 2)) / 2); // not log cos, which is 0 up to eta 1e-8
}
