import { check } from "@etalon/errors";
import type { Path } from "@etalon/schedules";
import { affine } from "./affine.ts";
import { snrGap } from "./marginalStep.ts";
import type { StepMap } from "./StepMap.ts";

/**
 * One Euler–Maruyama step of the reverse SDE with diffusion g on rectified flow: mean = (1−s) x̂0 + (s + g²Δ/(2t)) ε̂, std = g √−Δ, Δ = s − t.   docs/math.md §2
 * It does not keep the marginals: the first order leaves excess variance behind.
 * @param diffusion  g ≥ 0 at t
 * @throws EtalonError UNSUPPORTED: a path that is not rectified flow
 */
export function eulerMaruyama(path: Path, t: number, s: number, diffusion: number): StepMap {
  check.that(path.name === "flow", "UNSUPPORTED", {
    argument: "path",
    value: path.name,
    allowed: "flow for Flow-SDE and Dance-SDE",
    hint: "gDDIM serves every path.",
  });
  if (snrGap(path, t, s) === 0) return affine(path.prediction, path.at(t), { x0: 1 - s, eps: s }, 0);
  const variance = diffusion * diffusion * (t - s);
  return affine(path.prediction, path.at(t), { x0: 1 - s, eps: s - variance / (2 * t) }, Math.sqrt(variance));
}
