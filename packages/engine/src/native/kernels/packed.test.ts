import fc from "fast-check";
import { expect, test } from "vitest";
import { type Life, packed } from "./packed.ts";

const asked = fc.array(
  fc.record({ length: fc.integer({ min: 1, max: 200 }), first: fc.nat(20), steps: fc.nat(8), used: fc.boolean() }),
  { maxLength: 20 },
);

test("arrays that are in use together do not overlap, none begins off 64 bytes, and it takes no more than all beside each other", () => {
  fc.assert(
    fc.property(asked, (list) => {
      const arrays = list.map(({ length }) => new Float32Array(length));
      const lives = new Map<ArrayBufferLike, Life>();
      for (const [i, { first, steps, used }] of list.entries()) {
        if (used) lives.set(arrays[i].buffer, [first, first + steps]);
      }
      const { offsets, length } = packed(arrays, lives);
      expect(offsets.size).toBe(lives.size);
      const placed = [...offsets].map(([array, from]) => ({ from, to: from + array.length, life: lives.get(array.buffer) as Life }));
      for (const [i, a] of placed.entries()) {
        expect(a.from % 16).toBe(0);
        expect(a.to).toBeLessThanOrEqual(length);
        for (const b of placed.slice(0, i)) {
          const together = a.life[0] <= b.life[1] && b.life[0] <= a.life[1];
          expect(together && a.from < b.to && b.from < a.to).toBe(false);
        }
      }
      expect(length).toBeLessThanOrEqual(placed.reduce((sum, { from, to }) => sum + 16 * Math.ceil((to - from) / 16), 0));
    }),
  );
}); // biome-ignore format: long lines

test("two that follow each other share their place; one beside both does not", () => {
  const [a, b, c] = [100, 100, 50].map((length) => new Float32Array(length));
  const lives = new Map<ArrayBufferLike, Life>([[a.buffer, [0, 1]], [b.buffer, [2, 3]], [c.buffer, [1, 2]]]); // biome-ignore format: one thought
  const { offsets, length } = packed([a, b, c], lives);
  expect([offsets.get(a), offsets.get(b), offsets.get(c), length]).toEqual([0, 0, 112, 176]);
});
