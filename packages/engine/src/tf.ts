import { createRequire } from "node:module";
import type * as tensorflow from "@tensorflow/tfjs";

/**
 * TensorFlow.js, the one copy that every Etalon package uses. It is the CommonJS bundle: the ESM build's gradients do not load in Node (imports without
 * extensions), and tfjs-core's own Node bundle registers none.
 */
export const tf: typeof tensorflow = quietly(() => createRequire(import.meta.url)("@tensorflow/tfjs"));

/** Runs `load` with console.warn and console.info off: TensorFlow.js prints a line for each kernel that a second backend registers again. */
export function quietly<T>(load: () => T): T {
  const { warn, info, log } = console;
  console.warn = console.info = console.log = () => {};
  try {
    return load();
  } finally {
    Object.assign(console, { warn, info, log });
  }
}
