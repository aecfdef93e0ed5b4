import { check } from "@etalon/errors";
import type { Path } from "@etalon/schedules";
import { eulerMaruyama } from "./eulerMaruyama.ts";
import type { StepMap } from "./StepMap.ts";

/**
 * One Flow-SDE step as Flow-GRPO and MixGRPO publish it: Euler–Maruyama with g = η √(t/(1−t)).   docs/math.md §2; arXiv:2505.05470, arXiv:2507.21802
 * At t = 1, where g is infinite, the denominator takes s for t, as theirs does. Does not keep the marginals; the last step (s = 0) adds noise here, `plan` makes it an ODE step.
 * @param eta  their noise level a ≥ 0; its exact form is gDDIM with η = a/√2
 * @throws EtalonError OUT_OF_RANGE: eta negative or not finite, a time off the path; UNSUPPORTED: a path that is not rectified flow
 */
export function flowSdeStep(path: Path, t: number, s: number, eta: number): StepMap {
  check.range("eta", eta, { min: 0 }, "0 gives the deterministic sampler.");
  return eulerMaruyama(path, t, s, t === s ? 0 : eta * Math.sqrt(t / (1 - (t === 1 ? s : t))));
}
