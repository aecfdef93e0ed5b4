import "./toBeAllclose.ts";

export { bundleSource } from "./bundleSource.ts";
export { goldenJson, goldenPath, goldenTensors } from "./golden.ts";
export { type Fault, type HubFiles, type HubRequest, type HubServer, hubServer } from "./hubServer.ts";
export { mpiMissing, mpirun, rankEnvironment } from "./mpirun.ts";
export { runTrace } from "./runTrace.ts";
export { type Ended, ended, spawnSource } from "./spawnSource.ts";
export { thrown } from "./thrown.ts";
export type { Tolerance } from "./toBeAllclose.ts";
