import "./toBeAllclose.ts";

export { goldenJson, goldenPath, goldenTensors } from "./golden.ts";
export type { Tolerance } from "./toBeAllclose.ts";
