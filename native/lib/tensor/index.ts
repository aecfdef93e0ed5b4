export type * from "./HeavyKernels.ts";
export { type LightArray, type LightKernels, lightKernels, reductions } from "./LightKernels.ts";
