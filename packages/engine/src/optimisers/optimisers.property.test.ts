import type { Tensor, Variable } from "@tensorflow/tfjs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { started } from "../../test/startEngine.ts";
import { AdamW, clipGlobalNorm, tf } from "../index.ts";

// Laws over drawn sizes and values; a failure prints its seed.
const number = fc.oneof(fc.float({ min: -100, max: 100, noNaN: true }), fc.constantFrom(0, -0, 1e-20, 1e5));
const parts = fc.array(fc.array(fc.tuple(number, number), { maxLength: 40 }), { minLength: 1, maxLength: 5 });

test(`AdamW on one flat array has the bits of AdamW on its parts on ${started.name}`, () => {
  const options = fc.record({ learningRate: fc.constantFrom(0, 1e-3, 0.5), weightDecay: fc.constantFrom(0, 0.1), beta1: fc.constantFrom(0, 0.9), beta2: fc.constantFrom(0.5, 0.999) });
  fc.assert(fc.property(parts, options, (drawn, chosen) => {
    const before = tf.memory().numTensors;
    const update = (arrays: [number, number][][]) => {
      const variables = arrays.map((pairs) => tf.tidy(() => tf.variable(tf.tensor1d(pairs.map(([value]) => value), "float32")))) as unknown as Variable[];
      const optimiser = new AdamW(new Map(variables.map((variable, i) => [`${i}`, variable])), chosen);
      for (const sign of [1, -1, 1]) {
        const gradients = Object.fromEntries(arrays.map((pairs, i) => [`${i}`, tf.tensor1d(pairs.map(([, gradient]) => sign * gradient), "float32") as Tensor]));
        optimiser.step(gradients);
        tf.dispose(gradients);
      }
      const values = variables.flatMap((variable) => [...variable.dataSync()]);
      optimiser.dispose();
      tf.dispose(variables);
      return values;
    };
    const split = update(drawn);
    const flat = update([drawn.flat()]);
    for (const [i, value] of flat.entries()) if (!Object.is(value, split[i])) expect.unreachable(`value ${i}: ${value} flat, ${split[i]} in parts`);
    expect(split.length).toBe(flat.length);
    expect(tf.memory().numTensors).toBe(before);
  }), { numRuns: 25 });
}); // biome-ignore format: long lines

test("clipGlobalNorm: the norm is at most max, all by one factor; what is below comes back as it is", () => {
  fc.assert(fc.property(parts, fc.constantFrom(1e-3, 1, 50, 1e7), (drawn, max) => {
    const gradients = Object.fromEntries(drawn.map((pairs, i) => [`${i}`, tf.tensor1d(pairs.map(([value]) => value), "float32") as Tensor]));
    const all = (given: Record<string, Tensor>) => Object.values(given).flatMap((gradient) => [...gradient.dataSync()]);
    const values = all(gradients);
    const exact = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
    const clipped = clipGlobalNorm(gradients, max);
    const after = all(clipped.gradients);
    tf.dispose([gradients, clipped.gradients]);
    const lost = started.name === "native" ? 0 : 1e-18; // float32 squares below its least number; the native kernel sums in float64
    expect(Math.abs(clipped.norm - exact)).toBeLessThanOrEqual(1e-5 * exact + lost);
    expect(Math.hypot(...after)).toBeLessThanOrEqual(max * (1 + 1e-5));
    const factor = clipped.norm > max ? max / (clipped.norm + 1e-6) : 1;
    for (const [i, value] of after.entries()) expect(Math.abs(value - values[i] * factor)).toBeLessThanOrEqual(1e-6 * Math.abs(values[i] * factor) + 1e-37);
  }), { numRuns: 40 });
}); // biome-ignore format: long lines
