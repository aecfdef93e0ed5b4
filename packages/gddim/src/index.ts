export { EtalonError } from "@etalon/errors";
export { affine } from "./affine.ts";
export { cpsStep } from "./cpsStep.ts";
export { danceSdeStep } from "./danceSdeStep.ts";
export { ddimStep } from "./ddimStep.ts";
export { describePlan, type PlanRow } from "./describePlan.ts";
export { etaOfFlowGrpo, flowGrpoNoiseLevel } from "./flowGrpoNoiseLevel.ts";
export { flowSdeStep } from "./flowSdeStep.ts";
export { gddimStep } from "./gddimStep.ts";
export { type InitialNoiseOptions, initialNoise } from "./initialNoise.ts";
export { marginalStep } from "./marginalStep.ts";
export { type Plan, type PlanOptions, type PlanStep, plan, type Rule, ruleNames } from "./plan.ts";
export type { StepMap } from "./StepMap.ts";
export {
  type Denoiser,
  type ModelOutput,
  type SampledStep,
  type SampleOptions,
  type SamplingLoop,
  sample,
} from "./sample.ts";
