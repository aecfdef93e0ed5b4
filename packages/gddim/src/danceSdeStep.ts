import { check } from "@etalon/errors";
import type { Path } from "@etalon/schedules";
import { eulerMaruyama } from "./eulerMaruyama.ts";
import type { StepMap } from "./StepMap.ts";

/**
 * One Dance-SDE step as DanceGRPO publishes it: Euler–Maruyama with a constant g = η.   docs/math.md §2; arXiv:2505.07818
 * Does not keep the marginals; the last step (s = 0) adds noise here, `plan` makes it an ODE step.
 * @param eta  their noise level ≥ 0, not in units of gDDIM's η
 * @throws EtalonError OUT_OF_RANGE: eta negative or not finite, a time off the path; UNSUPPORTED: a path that is not rectified flow
 */
export function danceSdeStep(path: Path, t: number, s: number, eta: number): StepMap {
  check.range("eta", eta, { min: 0 }, "0 gives the deterministic sampler.");
  return eulerMaruyama(path, t, s, eta);
}
