export { EtalonError } from "@etalon/errors";
export type { NoiseKey } from "../NoiseKey.ts";
export type { StepMap } from "../StepMap.ts";
export type { TensorLike } from "./engine.ts";
export { type LogProbOptions, logProb } from "./logProb.ts";
export { type PolicyGradient, type PolicyGradientOptions, policyGradient } from "./policyGradient.ts";
export { type RolloutOptions, rollout } from "./rollout.ts";
export { type Way, way } from "./way.ts";
