import { EtalonError } from "@etalon/errors";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { heavyKernels } from "./HeavyKernels.ts";
import { lightKernels, reductions } from "./LightKernels.ts";
import { type Recorder, recorder } from "./Recorder.ts";

const kernels = heavyKernels();
const draws = (length: number, seed: number) => Float32Array.from({ length }, (_, i) => Math.sin(seed + 1.7 * i));

/** Some of every kind of step over [a, b, c, sums]: a is 6, b 6, c 4 and sums 2 elements. */
function steps({ heavy, light }: Recorder, [a, b, c, sums]: readonly Float32Array[]) {
  const { unary, binary } = (lightKernels() as NonNullable<ReturnType<typeof lightKernels>>).operations();
  const each = (count: number) => Float64Array.of(1, count, 1, 1);
  heavy.gemm({ a, b, c, m: 2, n: 2, k: 3 });
  light.unary(unary.indexOf("tanh"), c, b.subarray(0, 4));
  light.binary(binary.indexOf("mul"), c, b.subarray(0, 4), a.subarray(1, 5), each(4));
  heavy.scale([a, b.subarray(4)], 0.5);
  light.copy(a, 1, c, 1, each(3));
  light.reduce(reductions.sum, c, sums, 2, 2, 1);
  light.fill(b.subarray(5), 9);
}

describe.skipIf(kernels === undefined)("Recorder", () => {
  const fresh = (seed: number) => [draws(6, seed), draws(6, seed + 1), new Float32Array(4), new Float32Array(2)];
  const recorded = (place: (array: Float32Array, index: number) => { place: number; offset: number } | undefined) => {
    const record = recorder() as Recorder;
    const arrays = fresh(1);
    steps(record, arrays);
    const program = record.program((array) => {
      const index = arrays.findIndex(({ buffer }) => buffer === array.buffer);
      return place(array, index);
    });
    return { arrays, program };
  };
  const within = (array: Float32Array, index: number) => ({ place: index, offset: array.byteOffset / 4 });

  test("what was recorded runs again over other arrays, to the bit", () => {
    const program = recorded(within).program as Float64Array;
    const [again, plain] = [fresh(5), fresh(5)];
    kernels?.run(program, again);
    steps({ heavy: kernels, light: lightKernels() } as unknown as Recorder, plain);
    expect(again).toEqual(plain);
  });

  test("the arrays may lie in other places, here all in one", () => {
    const at = [0, 6, 12, 16];
    const program = recorded((array, index) => ({ place: 0, offset: at[index] + array.byteOffset / 4 })).program as Float64Array;
    const plain = fresh(5);
    const one = Float32Array.from(plain.flatMap((array) => [...array]));
    kernels?.run(program, [one]);
    steps({ heavy: kernels, light: lightKernels() } as unknown as Recorder, plain);
    expect([...one]).toEqual(plain.flatMap((array) => [...array]));
  }); // biome-ignore format: long lines

  test("no program of an array without a place, nor of what is no step", () => {
    expect(recorded((array, index) => (index === 3 ? undefined : within(array, index))).program).toBeUndefined();
    const record = recorder() as Recorder;
    record.heavy.globalNorm([draws(3, 1)]);
    expect(record.program(() => ({ place: 0, offset: 0 }))).toBeUndefined();
    const words = recorder() as Recorder;
    words.light.fill(new Int32Array(3), 1);
    expect(words.program(() => ({ place: 0, offset: 0 }))).toBeUndefined();
  });

  test.each<[string, (program: Float64Array) => [Float64Array, Float32Array[]], RegExp]>([
    ["a list that is too short", (program) => [program, fresh(1).slice(0, 3)], /place of an array is 3; allowed: -1 to 2/],
    ["an array that is too short", (program) => [program, [draws(5, 1), ...fresh(1).slice(1)]], /length of an array is 6; allowed: 0 to 5/],
    ["a program that ends in a step", (program) => [program.subarray(0, 20), fresh(1)], /length of the program/],
    ["a kernel that is none", () => [Float64Array.of(1000, 0, 1, 0, 0, 0), fresh(1)], /kernel of a step is 1000/],
    ["numbers that are missing", () => [Float64Array.of(0, 1, 3, 2, 0, 0, 6, 1, 0, 6, 2, 0, 4), fresh(1)], /numbers of a step is 1; allowed: at least 17/],
  ])("%s is an EtalonError", (_, broken, message) => {
    const [program, arrays] = broken(recorded(within).program as Float64Array);
    let error: unknown;
    try {
      kernels?.run(program, arrays);
    } catch (thrown) {
      error = thrown;
    }
    expect(EtalonError.is(error)).toBe(true);
    expect((error as Error).message).toMatch(message);
  }); // biome-ignore format: a table

  test("a changed program never crashes: it runs over its arrays, or is refused", () => {
    const program = recorded(within).program as Float64Array;
    const value = fc.oneof(fc.integer({ min: -2, max: 70 }), fc.constantFrom(NaN, Infinity, -1, 0.5, 2 ** 53, 1e300, 2 ** 40));
    const changes = fc.array(fc.tuple(fc.nat(program.length - 1), value), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(changes, fc.nat(program.length), (list, cut) => {
        const changed = cut % 7 === 0 ? program.slice(0, cut) : program.slice();
        for (const [at, to] of list) if (at < changed.length) changed[at] = to;
        try {
          kernels?.run(changed, fresh(1));
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
      { numRuns: 3000 },
    );
  }); // biome-ignore format: long lines
});
