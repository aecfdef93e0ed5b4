import { type Plan, plan } from "@etalon/gddim";
import type { Path } from "@etalon/schedules";
import type { TrainConfig } from "../config/TrainConfig.ts";
import { windows } from "../windows.ts";

/**
 * The trajectory of an epoch: stochastic everywhere or in the epoch's window, ODE steps elsewhere.
 * A first step from pure noise (α = 0, as flow at t = 1) carries no information: an SDE step there re-draws x_T whole. It is made an ODE step. Pipelines that
 * start later (tiny: 0.98), or a `sampler.start` below 1, have no such step.
 * @param epoch  from 0, or "ode" for the deterministic trajectory over the same times
 */
export function trainingPlan({ sampler, seed }: TrainConfig, path: Path, epoch: number | "ode"): Plan {
  const { steps, eta, rule, start, shift, window } = sampler;
  const grid = { path, steps, rule, eta, start, shift };
  if (epoch === "ode") return plan({ ...grid, sde: "none" });
  const first = path.at(start ?? path.noiseTime).alpha === 0 ? 1 : 0;
  if (window === null) return plan({ ...grid, sde: [first, steps] });
  const inside = windows({ ...window, steps, seed })(epoch);
  return plan({ ...grid, sde: [Math.max(first, inside[0]), Math.max(first, inside[inside.length - 1]) + 1] });
}
