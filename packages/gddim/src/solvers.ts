import type { Path } from "@etalon/schedules";
import { deisStep, gddimPredictorCorrector } from "./deisStep.ts";
import { dpmSolverStep } from "./dpmSolverStep.ts";
import { heunStep } from "./heunStep.ts";
import { marginalStep } from "./marginalStep.ts";
import type { CorrectorMap, StepMap } from "./StepMap.ts";

/** A step of a solver: its map, and its second half where it has one. */
export interface SolverStep {
  predict: StepMap;
  correct?: CorrectorMap;
}

/** A method for the ODE steps of a plan: how many outputs it looks at, and its step at an order that is not above that. */
interface SolverEntry {
  readonly order: 1 | 2 | 3;
  step(path: Path, times: readonly number[], s: number, order: number): SolverStep;
}

const entries = {
  euler: { order: 1, step: (path, [t], s) => ({ predict: marginalStep(path, t, s, 0) }) },
  heun: { order: 1, step: (path, [t], s) => heunStep(path, t, s) },
  "dpm++-2m": { order: 2, step: (path, times, s, order) => ({ predict: dpmSolverStep(path, times, s, { order }) }) },
  "dpm++-3m": {
    order: 3,
    step: (path, times, s, order) => ({ predict: dpmSolverStep(path, times, s, { order, type: "heun" }) }),
  },
  "deis-2": { order: 2, step: (path, times, s, order) => ({ predict: deisStep(path, times, s, { order }) }) },
  "deis-3": { order: 3, step: (path, times, s, order) => ({ predict: deisStep(path, times, s, { order }) }) },
  "gddim-pc-2": { order: 2, step: (path, times, s, order) => corrected(path, times, s, order, 2) },
  "gddim-pc-3": { order: 3, step: (path, times, s, order) => corrected(path, times, s, order, 3) },
} as const satisfies Record<string, SolverEntry>;

/** At a lowered order the predictor–corrector has fewer times to look at, and at order 1 no corrector. */
const corrected = (path: Path, times: readonly number[], s: number, lowered: number, order: 2 | 3): SolverStep =>
  lowered === 1 && times.length > 1
    ? { predict: marginalStep(path, times[0], s, 0) }
    : gddimPredictorCorrector(path, times.slice(0, lowered), s, { order });

/** A method for ODE steps. */
export type Solver = keyof typeof entries;

/** Every solver, for argument checks and help texts. */
export const solverNames = Object.keys(entries) as readonly Solver[];

/** The solvers by name. */
export const solvers: Readonly<Record<Solver, SolverEntry>> = entries;
