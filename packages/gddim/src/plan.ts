import { check, EtalonError } from "@etalon/errors";
import { type GridOptions, type Path, type Prediction, timeGrid } from "@etalon/schedules";
import { cpsStep } from "./cpsStep.ts";
import { danceSdeStep } from "./danceSdeStep.ts";
import { ddimStep } from "./ddimStep.ts";
import { flowSdeStep } from "./flowSdeStep.ts";
import { gddimStep } from "./gddimStep.ts";
import { marginalStep } from "./marginalStep.ts";
import type { StepMap } from "./StepMap.ts";

const rules = {
  gddim: gddimStep,
  ddim: ddimStep,
  "flow-sde": flowSdeStep,
  "dance-sde": danceSdeStep,
  cps: cpsStep,
} as const;

/** A stochastic step's formula. */
export type Rule = keyof typeof rules;

/** Every rule, for argument checks and help texts. */
export const ruleNames = Object.keys(rules) as readonly Rule[];

/** One step of a plan; plain JSON. */
export interface PlanStep {
  /** Its place in the plan, from 0. */
  index: number;
  /** From time t to time s, s nearer the data. */
  t: number;
  s: number;
  /** Noise level in the units of its rule; 0 at ODE steps. */
  eta: number;
  /** Whether it draws noise (std > 0), and so has a log-probability. */
  stochastic: boolean;
  map: StepMap;
  rule: Rule | "ode";
}

/** A whole trajectory; plain JSON: `JSON.parse(JSON.stringify(plan))` is the same plan. */
export interface Plan {
  /** The path's name. */
  path: string;
  prediction: Prediction;
  /** Standard deviation of the noise it starts from: 1, except on VE. */
  initialStd: number;
  steps: PlanStep[];
}

/** Options of `plan`. */
export interface PlanOptions extends GridOptions {
  path: Path;
  /** Number of steps, for a grid by `timeGrid` with the grid options. Or give `times`. */
  steps?: number;
  /** The times themselves, from noise to data, strictly falling. */
  times?: readonly number[];
  /** Noise level ≥ 0 of the stochastic steps. */
  eta: number;
  /** Which steps are stochastic: "all" (default), "none", or those with first ≤ index < last. */
  sde?: "all" | "none" | readonly [first: number, last: number];
  /** Their formula. Default "gddim". */
  rule?: Rule;
}

/**
 * Lays out a trajectory as a list of steps: each a stochastic one by `rule`, or an ODE step.   docs/math.md §2, §5
 * ODE steps are those outside `sde`, all of them at eta 0, and one that ends where σ = 0, since there is no noise to draw there. On flow, a stochastic step from
 * t = 1 (α = 0) re-draws x_T whole and carries no information about it: start later (`start: 0.98`) or leave it out of `sde`.
 * @throws EtalonError OUT_OF_RANGE: an eta that the rule does not have, a window outside the plan, times that do not fall; UNSUPPORTED: a rule on a path it is not made for
 */
export function plan({ path, steps, times, eta, sde = "all", rule = "gddim", ...grid }: PlanOptions): Plan {
  check.range("eta", eta, { min: 0 }, "0 gives the deterministic sampler.");
  check.oneOf("rule", rule, ruleNames);
  const knots = givenTimes(times, steps, grid) ?? timeGrid(path, check.count("steps", steps), grid);
  const [first, last] = windowOf(sde, knots.length - 1);
  return {
    path: path.name,
    prediction: path.prediction,
    initialStd: path.initialStd(knots[0]),
    steps: knots.slice(1).map((s, index) => {
      const t = knots[index];
      const inside = eta > 0 && index >= first && index < last && path.at(s).sigma > 0;
      const map = inside ? rules[rule](path, t, s, eta) : marginalStep(path, t, s, 0);
      const stochastic = map.std > 0;
      return { index, t, s, eta: stochastic ? eta : 0, stochastic, map, rule: stochastic ? rule : "ode" };
    }),
  };
}

function givenTimes(times: PlanOptions["times"], steps: unknown, grid: GridOptions): readonly number[] | undefined {
  if (times === undefined) return undefined;
  const extra = Object.entries({ steps, ...grid }).find(([, value]) => value !== undefined);
  if (extra !== undefined) {
    throw new EtalonError("OUT_OF_RANGE", {
      argument: extra[0],
      value: extra[1],
      allowed: "nothing beside times, which are the grid",
    });
  }
  check.that(Array.isArray(times) && times.length >= 2, "BAD_SHAPE", {
    argument: "times",
    value: times,
    allowed: "two times or more",
  });
  times.forEach((t, i) => {
    check.range(`times[${i}]`, t, i === 0 ? {} : { below: times[i - 1] }, "Times fall from noise to data.");
  });
  return times;
}

function windowOf(sde: NonNullable<PlanOptions["sde"]>, steps: number): readonly [number, number] {
  if (sde === "all") return [0, steps];
  if (sde === "none") return [0, 0];
  check.that(Array.isArray(sde) && sde.length === 2, "OUT_OF_RANGE", {
    argument: "sde",
    value: sde,
    allowed: '"all", "none" or a window [first, last)',
  });
  const first = check.range("sde[0]", sde[0], { min: 0, max: steps, integer: true });
  return [first, check.range("sde[1]", sde[1], { min: first, max: steps, integer: true })];
}
