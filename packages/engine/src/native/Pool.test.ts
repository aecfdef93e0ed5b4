import { lightKernels } from "@etalon/native/tensor";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Pool } from "./Pool.ts";

const kernels = lightKernels();
const MiB = 2 ** 20;
const make = (mostFree = 64 * MiB, most = 256 * MiB) => new Pool(kernels!, mostFree, most);

test.skipIf(kernels === undefined)(
  "memory is 64-byte aligned, of the dtype, and comes back in the length it had",
  () => {
    const pool = make();
    const a = pool.take("float32", 1000);
    expect(a).toBeInstanceOf(Float32Array);
    expect([a.length, a.byteOffset, a.buffer.byteLength % 64]).toEqual([1000, 0, 0]);
    pool.give(a);
    expect(pool.take("float32", 1000)).toBe(a);
    pool.give(a);
    const b = pool.take("int32", 1000);
    expect([b.constructor, b.buffer]).toEqual([Int32Array, a.buffer]);
    expect(pool.state).toMatchObject({ made: 1, reused: 2, free: 0 });
    pool.give(b);
    pool.trim();
  },
);

test.skipIf(kernels === undefined)("what is given back twice, or was never taken, is refused", () => {
  const pool = make();
  const a = pool.take("bool", 5);
  pool.give(a);
  expect(() => pool.give(a)).toThrow("given back twice");
  expect(() => pool.give(new Float32Array(3))).toThrow("given back twice, or is not the pool's");
  expect(() => pool.give(new Float32Array(0))).not.toThrow();
  pool.trim();
});

test.skipIf(kernels === undefined)(
  "above its limit free memory goes to the system at once, and its views with it",
  () => {
    const before = kernels!.allocated();
    const pool = make(MiB, 256 * MiB);
    const arrays = Array.from({ length: 4 }, () => pool.take("float32", MiB / 8)); // half a MiB each
    expect(kernels!.allocated() - before).toBe(2 * MiB);
    for (const array of arrays) pool.give(array);
    expect(pool.state.free).toBe(MiB);
    expect(kernels!.allocated() - before).toBe(MiB);
    expect(arrays.filter((array) => array.length === 0)).toHaveLength(2);
    pool.trim();
    expect(kernels!.allocated()).toBe(before);
    expect(arrays.every((array) => array.length === 0)).toBe(true);
  },
);

test.skipIf(kernels === undefined)(
  "more memory than there may be is refused, free memory is given up for it first, and the pool goes on",
  () => {
    const pool = make(64 * MiB, 64 * MiB);
    const a = pool.take("float32", 8 * MiB);
    pool.give(a); // 32 MiB wait
    const b = pool.take("float32", 12 * MiB); // 48 MiB: only without them
    expect(a.length).toBe(0);
    expect(() => pool.take("float32", 8 * MiB)).toThrow(
      /^Out of memory: a tensor of 32\.0 MiB is too much beside the 48\.0 MiB in use; allowed: 64\.0 MiB/,
    );
    expect(() => pool.take("float32", 2 ** 40)).toThrow("Out of memory");
    pool.give(b);
    pool.give(pool.take("float32", 8 * MiB));
    pool.trim();
    expect(pool.state).toMatchObject({ used: 0, free: 0 });
  },
);

test.skipIf(kernels === undefined)(
  "what is given back while memory is held on to keeps its values until the end",
  () => {
    const pool = make();
    const a = pool.take("float32", 16).fill(7) as Float32Array;
    pool.holding(() => {
      pool.give(a);
      const b = pool.take("float32", 16).fill(1);
      expect(b.buffer).not.toBe(a.buffer);
      expect(a[0]).toBe(7);
      pool.give(b);
    });
    expect(pool.state.used).toBe(0);
    pool.trim();
  },
);

test.skipIf(kernels === undefined)("in any order of taking and giving no two arrays share memory, and the books balance", () => {
  const before = kernels!.allocated();
  fc.assert(
    fc.property(fc.array(fc.record({ length: fc.integer({ min: 0, max: 5000 }), give: fc.nat(10), kind: fc.constantFrom("float32", "int32", "bool") }), { maxLength: 60 }), (moves) => {
      const pool = make(100_000, 10 * MiB);
      const held = new Map<number, { array: Float32Array | Int32Array | Uint8Array; mark: number }>();
      for (const [i, { length, give, kind }] of moves.entries()) {
        const array = pool.take(kind as "float32", length);
        expect(array.length).toBe(length);
        array.fill(i % 100);
        held.set(i, { array, mark: i % 100 });
        const key = [...held.keys()][give];
        if (key !== undefined) {
          pool.give(held.get(key)!.array);
          held.delete(key);
        }
        for (const { array: other, mark } of held.values()) expect(other.every((value) => value === mark)).toBe(true);
      }
      for (const { array } of held.values()) pool.give(array);
      expect(pool.state.used).toBe(0);
      expect(pool.state.free).toBeLessThanOrEqual(100_000);
      pool.trim();
    }),
    { numRuns: 30 },
  );
  expect(kernels!.allocated()).toBe(before);
}); // biome-ignore format: long lines
