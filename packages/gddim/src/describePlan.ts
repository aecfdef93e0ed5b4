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
  /** Coefficients of earlier steps' states and outputs, newest first; only where a multistep method looks back. */
  earlier?: string;
  /** The second half of a predictor–corrector step, in a line. */
  correct?: string;
  /** The noise level of Flow-GRPO and MixGRPO that this step's eta means; only where the step is gDDIM's. */
  flowGrpo?: number;
}

/** A plan as rows for `console.table`, numbers cut to six digits; a row's place is its step's index. */
export function describePlan(plan: Plan): PlanRow[] {
  return plan.steps.map(({ t, s, rule, eta, map, correct }) => ({
    t: digits(t),
    s: digits(s),
    rule,
    eta: digits(eta),
    a: digits(map.a),
    b: digits(map.b),
    std: digits(map.std),
    ...(map.earlier?.length ? { earlier: map.earlier.map(pair).join("; ") } : {}),
    ...(correct ? { correct: [correct, correct.next, ...(correct.earlier ?? [])].map(pair).join("; ") } : {}),
    ...(rule === "gddim" ? { flowGrpo: digits(flowGrpoNoiseLevel(eta)) } : {}),
  }));
}

const digits = (x: number) => Number(x.toPrecision(6));
const pair = ({ a, b }: { a: number; b: number }) => `${digits(a)} x ${b < 0 ? "−" : "+"} ${digits(Math.abs(b))} o`;
