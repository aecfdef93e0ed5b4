import { lightKernels } from "@etalon/native/tensor";
import type { Engine } from "./engine.ts";
import { resolveFromUser } from "./resolveFromUser.ts";

/**
 * The engines that can be looked for here, without loading any: wasm always, native where its addon is, the others where their package is found. For tests that run on each: a process has one backend at
 * a time, and tensors do not move, so call `engine(name)` first. Whether a GPU works only `engine` can tell.
 */
export function installedEngines(): Engine["name"][] {
  const packages = ["tfjs-node-gpu", "tfjs-node"] as const;
  const native = lightKernels() === undefined ? [] : (["native"] as const);
  return [...packages.filter((name) => resolveFromUser(`@tensorflow/${name}`) !== undefined), ...native, "wasm"];
}
