export type * from "./HeavyKernels.ts";
