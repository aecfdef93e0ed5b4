import { check } from "@etalon/errors";
import type { Binding } from "../binding.ts";
import { inspect } from "./inspect.ts";
import { logProb } from "./logProb.ts";
import { normals } from "./normals.ts";
import { philox } from "./philox.ts";
import { policyGradient } from "./policyGradient.ts";
import { rollout } from "./rollout.ts";

/**
 * The portable form: the same functions in TypeScript, for machines without a binary. One thread, some ten times slower. Noise, states and sums have the
 * native forms' bits; logarithm and exponential of a sample's scalars may differ in the last place.
 */
export const portable: Binding = {
  philox4x32(counter, key, out) {
    out.set(counter);
    philox(out, key[0], key[1]);
  },
  normal(seed, step, samples, dim, out) {
    samples.forEach((sample, s) => {
      normals(seed, step, sample, 0, dim, out, s * dim);
    });
  },
  rollout,
  logProb,
  policyGradient,
  inspect,
  setThreads() {},
  info() {
    const target = process.env.ETALON_TARGET;
    if (target !== undefined && target !== "") check.oneOf("ETALON_TARGET", target, ["portable"], "UNSUPPORTED");
    return { name: "portable", threads: 1, available: ["portable"] };
  },
};
