import { check } from "@etalon/errors";

/** The noise level a of Flow-GRPO and MixGRPO whose exact form is gDDIM with this eta: a = η·√2 (η = 1.2 is a = 1.70).   docs/math.md §2 */
export const flowGrpoNoiseLevel = (eta: number): number => check.range("eta", eta, { min: 0 }) * Math.SQRT2;

/** The eta of gDDIM that a noise level a of Flow-GRPO means: η = a/√2 (a = 0.7 is η = 0.495).   docs/math.md §2 */
export const etaOfFlowGrpo = (level: number): number => check.range("level", level, { min: 0 }) / Math.SQRT2;
