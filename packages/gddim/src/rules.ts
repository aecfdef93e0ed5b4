import type { Path } from "@etalon/schedules";
import { ancestralStep } from "./ancestralStep.ts";
import { cpsStep } from "./cpsStep.ts";
import { danceSdeStep } from "./danceSdeStep.ts";
import { ddimStep } from "./ddimStep.ts";
import { dpmSolverStep } from "./dpmSolverStep.ts";
import { eulerMaruyamaStep } from "./eulerMaruyamaStep.ts";
import { flowSdeStep } from "./flowSdeStep.ts";
import { gddimStep } from "./gddimStep.ts";
import type { StepMap } from "./StepMap.ts";

const trainable = {
  gddim: gddimStep,
  ddim: ddimStep,
  "flow-sde": flowSdeStep,
  "dance-sde": danceSdeStep,
  cps: cpsStep,
} as const;

/** A stochastic step's formula, of those that look at one output and that trainers and studies offer. */
export type Rule = keyof typeof trainable;

/** These rules, for argument checks and help texts. */
export const ruleNames = Object.keys(trainable) as readonly Rule[];

type Step = (path: Path, times: readonly number[], s: number, eta: number, order: number) => StepMap;

const single = (step: (path: Path, t: number, s: number, eta: number) => StepMap): Step => {
  return (path, [t], s, eta) => step(path, t, s, eta);
};

const all = {
  gddim: { order: 1, step: single(gddimStep) },
  ddim: { order: 1, step: single(ddimStep) },
  "flow-sde": { order: 1, step: single(flowSdeStep) },
  "dance-sde": { order: 1, step: single(danceSdeStep) },
  cps: { order: 1, step: single(cpsStep) },
  ancestral: { order: 1, step: single(ancestralStep) },
  "euler-maruyama": { order: 1, step: single(eulerMaruyamaStep) },
  "sde-dpm++-2m": {
    order: 2,
    step: (path: Path, times: readonly number[], s: number, eta: number, order: number) =>
      dpmSolverStep(path, times, s, { order, eta }),
  },
} as const satisfies Record<string, { order: number; step: Step }>;

/** A stochastic step's formula, of all that a plan knows. */
export type StochasticRule = keyof typeof all;

/** All of them, for argument checks and help texts. */
export const stochasticRules = Object.keys(all) as readonly StochasticRule[];

/** How many outputs each looks at, and its step. */
export const rules: Readonly<Record<StochasticRule, { readonly order: number; readonly step: Step }>> = all;
