import { createRequire } from "node:module";
import type * as tensorflow from "@tensorflow/tfjs";
import { asOutOfMemory } from "./outOfMemory.ts";

/**
 * TensorFlow.js, the one copy that every Etalon package uses. It is the CommonJS bundle: the ESM build's gradients do not load in Node (imports without
 * extensions), and tfjs-core's own Node bundle registers none. A copy of its exports, which are getters there.
 */
export const tf: typeof tensorflow = { ...quietly(() => createRequire(import.meta.url)("@tensorflow/tfjs")) };

/** These make their array before any engine is asked, so that one that is too large is refused here, in words. */
const makers = ["zeros", "ones", "buffer", "range", "linspace", "eye", "randomNormal", "randomStandardNormal", "randomUniform", "randomUniformInt", "randomGamma", "truncatedNormal"] as const; // biome-ignore format: a table
for (const name of makers) {
  const make = tf[name] as (...args: unknown[]) => unknown;
  const told = (...args: unknown[]) => {
    try {
      return make(...args);
    } catch (error) {
      throw asOutOfMemory(error, `tf.${name}`);
    }
  };
  Object.assign(tf, { [name]: told });
}

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
