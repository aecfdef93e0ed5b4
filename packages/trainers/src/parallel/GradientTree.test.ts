import { engine, tf } from "@etalon/engine";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { GradientTree, halves, inARow, neighbours, type Order } from "./GradientTree.ts";
import { sumTree } from "./sumTree.ts";

beforeAll(() => engine("wasm"));

/** Numbers as gradients of one variable, summed in an order; and how many sums were held at most. */
function summed(values: readonly number[], order: Order): { sum: number; held: number } {
  const tree = new GradientTree(order);
  const before = tf.memory().numTensors;
  let held = 0;
  for (const value of values) {
    tree.add(new Map([["w", tf.tensor1d([value])]]));
    held = Math.max(held, tf.memory().numTensors - before);
  }
  const { w } = Object.fromEntries(tree.finish());
  const [sum] = w.dataSync();
  w.dispose();
  return { sum, held };
}

const byHalves = (values: readonly number[]): number => {
  if (values.length === 1) return Math.fround(values[0]);
  const first = Math.ceil(values.length / 2);
  return Math.fround(byHalves(values.slice(0, first)) + byHalves(values.slice(first)));
};

/** Whose sum depends on the order. */
const items = fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 40 });
const always = (property: (values: number[]) => void) => fc.assert(fc.property(items, property), { numRuns: 100, seed: 5 }); // biome-ignore format: one thought

describe("GradientTree", () => {
  test("by halves, holding log2 n + 1 sums", () => {
    always((values) => {
      const { sum, held } = summed(values, halves(values.length));
      expect(sum).toBe(byHalves(values));
      expect(held).toBeLessThanOrEqual(Math.ceil(Math.log2(values.length)) + 1);
    });
  });

  test("by neighbours, however many there are, as ranks are summed", () => {
    always((values) => {
      expect(summed(values, neighbours).sum).toBe(sumTree(values.map((value) => Float32Array.of(value)))[0]);
    });
  });

  test("in a row, holding one sum", () => {
    always((values) => {
      const { sum, held } = summed(values, inARow);
      expect(sum).toBe(values.reduce((a, b) => Math.fround(a + b)));
      expect(held).toBe(1);
    });
  });

  test("what ranks have in a row of items is a branch by halves", () => {
    const shares = fc.record({ power: fc.integer({ min: 0, max: 3 }), each: fc.integer({ min: 1, max: 6 }), values: items }); // biome-ignore format: one thought
    const property = fc.property(shares, ({ power, each, values }) => {
      const ranks = 2 ** power;
      const all = Array.from({ length: ranks * each }, (_, i) => values[i % values.length] / (i + 1));
      const own = Array.from({ length: ranks }, (_, r) => summed(all.slice(r * each, (r + 1) * each), halves(each)).sum); // biome-ignore format: one thought
      expect(sumTree(own.map((sum) => Float32Array.of(sum)))[0]).toBe(summed(all, halves(all.length)).sum);
    });
    fc.assert(property, { numRuns: 100, seed: 6 });
  });

  test("of nothing: nothing", () => {
    expect(new GradientTree(neighbours).finish()).toEqual(new Map());
  });
});
