export { EtalonError } from "@etalon/errors";
export { type OutputCoefficients, outputCoefficients } from "./outputCoefficients.ts";
export { type Path, type PathPoint, type Prediction, predictions } from "./Path.ts";
export { pathFromDiffusers } from "./pathFromDiffusers.ts";
export { type RectifiedFlowOptions, rectifiedFlow } from "./rectifiedFlow.ts";
export { type DiscreteVpOptions, stableDiffusion15 } from "./stableDiffusion15.ts";
export { fluxShift, type TimeGridOptions, timeGrid } from "./timeGrid.ts";
export { type VeOptions, ve } from "./ve.ts";
export { type VpOptions, vp } from "./vp.ts";
