import { flowGrpoNoiseLevel } from "./flowGrpoNoiseLevel.ts";
import type { Plan, PlanStep } from "./plan.ts";

/** A row of a plan's table. */
export interface PlanRow {
  t: number;
  s: number;
  rule: PlanStep["rule"];
  eta: number;
  a: number;
  b: number;
  std: number;
  /** The noise level of Flow-GRPO and MixGRPO that this step's eta means; only where the step is gDDIM's. */
  flowGrpo?: number;
}

/** A plan as rows for `console.table`, numbers cut to six digits; a row's place is its step's index. */
export function describePlan(plan: Plan): PlanRow[] {
  return plan.steps.map(({ t, s, rule, eta, map }) => ({
    t: digits(t),
    s: digits(s),
    rule,
    eta: digits(eta),
    a: digits(map.a),
    b: digits(map.b),
    std: digits(map.std),
    ...(rule === "gddim" ? { flowGrpo: digits(flowGrpoNoiseLevel(eta)) } : {}),
  }));
}

const digits = (x: number) => Number(x.toPrecision(6));
