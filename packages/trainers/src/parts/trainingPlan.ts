import { check, EtalonError } from "@etalon/errors";
import { type Plan, plan } from "@etalon/gddim";
import { type Path, timeGrid } from "@etalon/schedules";
import { atPath } from "../config/atPath.ts";
import { etaAt } from "../config/etaAt.ts";
import type { TrainConfig } from "../config/TrainConfig.ts";
import { type WindowOptions, windows } from "../windows.ts";

/**
 * The trajectory of an epoch: stochastic everywhere or in the epoch's window, ODE steps elsewhere; with Flash fewer of them after the window, by its solver.   docs/math.md §5
 * A first step from pure noise (α = 0, as flow at t = 1) that draws all noise anew, as gDDIM's does there, tells next to nothing of x_T and is made an ODE step. Pipelines
 * that start later (tiny: 0.98), or a `sampler.start` below 1, have no such step; Flow-SDE and Dance-SDE keep x_T there, and train on it as they publish it.
 * @param epoch  from 0, or "ode" for the deterministic trajectory over the same times
 * @throws EtalonError OUT_OF_RANGE: too few steps for one that draws noise, and what the path, the rule or the window does not take, each by its key in the config
 */
export function trainingPlan(config: Pick<TrainConfig, "sampler" | "seed">, path: Path, epoch: number | "ode"): Plan {
  return atPath(placesOf(config.sampler), () => planOf(config, path, epoch));
}

/** Where in a config the arguments of plans, grids and rules come from. A rule that is not for the path is the rule's fault. */
export function placesOf({ rule }: TrainConfig["sampler"]): Parameters<typeof atPath>[0] {
  const own = ["eta", "steps", "start", "shift", "rule"].map((key) => [key, `sampler.${key}`]);
  return { ...Object.fromEntries(own), path: ["sampler.rule", rule] };
}

function planOf({ sampler, seed }: Pick<TrainConfig, "sampler" | "seed">, path: Path, epoch: number | "ode"): Plan {
  const { steps, rule, start, shift, window } = sampler;
  const grid = { path, steps, rule, start, shift };
  if (epoch === "ode") return plan({ ...grid, eta: 0 });
  const eta = etaAt(sampler.eta, epoch, steps);
  const whole = plan({ ...grid, eta });
  const first = drawsAnew(whole, path) ? 1 : 0;
  const inside = window === null ? undefined : windowAt({ ...window, steps, seed }, epoch);
  const begin = Math.max(first, inside?.[0] ?? 0);
  const end = inside === undefined ? steps : Math.max(begin, inside[inside.length - 1]) + 1;
  const flash = window?.flash;
  const made = flash ? flashPlan({ ...grid, eta, begin, end, flash }) : plan({ ...grid, eta, sde: [begin, end] });
  if (made.steps.some(({ stochastic }) => stochastic)) return made;
  check.that(steps >= first + 2, "OUT_OF_RANGE", { argument: "sampler.steps", value: steps, allowed: `${first + 2} or more: ${first === 0 ? "the last draws" : "the first and the last draw"} no noise` }); // biome-ignore format: one thought
  throw new EtalonError("OUT_OF_RANGE", { argument: "sampler.eta", value: sampler.eta, allowed: "a noise level at which a step's noise is more than rounding leaves of it" }); // biome-ignore format: one thought
}

/** The steps of an epoch's window. */
function windowAt(options: WindowOptions, epoch: number): number[] {
  const own = ["start", "size", "end", "every", "stride"].map((key) => [key, `sampler.window.${key}`]);
  return atPath(Object.fromEntries(own), () => windows(options)(epoch));
}

/** Whether a plan's first step keeps nothing of the noise it starts from. */
function drawsAnew({ steps: [{ t, s, map }] }: Plan, path: Path): boolean {
  return path.at(t).alpha === 0 && map.std > path.at(s).sigma * (1 - 1e-12);
}

interface FlashOptions {
  path: Path;
  steps: number;
  rule: TrainConfig["sampler"]["rule"];
  start: number | undefined;
  shift: number | undefined;
  eta: number | number[];
  begin: number;
  end: number;
  flash: NonNullable<NonNullable<TrainConfig["sampler"]["window"]>["flash"]>;
}

/**
 * MixGRPO-Flash: up to the window's end as ever, then max(1, round(ratio · rest)) steps in the place of the rest, spread over the same grid, by the solver. A multistep
 * solver looks back into the window, as the published code does. That code counts points of its grid where this counts steps: it makes one step less.
 */
function flashPlan({ path, steps, rule, start, shift, eta, begin, end, flash }: FlashOptions): Plan {
  const rest = steps - end;
  const fewer = Math.max(1, Math.round(flash.ratio * rest));
  const knots = timeGrid(path, steps, { start, shift });
  if (rest === 0) return plan({ path, times: knots, eta, rule, sde: [begin, end] });
  const after = path.discrete
    ? Array.from({ length: fewer }, (_, j) => knots[end + Math.round(((j + 1) * rest) / fewer)])
    : timeGrid(path, steps * fewer, { start, shift }).filter(
        (_, i) => i > end * fewer && (i - end * fewer) % rest === 0,
      );
  const times = [...knots.slice(0, end + 1), ...after];
  const levels = typeof eta === "number" ? eta : eta.slice(0, times.length - 1);
  const common = { path, times, eta: levels, rule, sde: [begin, end] as const };
  const [before, behind] = [plan(common), plan({ ...common, solver: flash.solver })];
  return { ...before, steps: [...before.steps.slice(0, end), ...behind.steps.slice(end)] };
}
