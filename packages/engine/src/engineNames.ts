/** The names that `engine` takes: 'auto', then the engines in the order in which auto tries them. */
export const engineNames = ["auto", "tfjs-node-gpu", "native", "tfjs-node", "wasm"] as const;
export type EngineName = (typeof engineNames)[number];
