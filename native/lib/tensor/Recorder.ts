import { loadBinding } from "../loader.ts";
import { type HeavyKernels, heavyKernelsOf } from "./HeavyKernels.ts";
import type { LightKernels } from "./LightKernels.ts";
import type { Maybe, RawHeavyKernels } from "./RawHeavyKernels.ts";

/** The light kernels that a program may have as steps, of float32 arrays alone. */
export type StepKernels = Pick<LightKernels, "unary" | "binary" | "reduce" | "copy" | "fill">;

/** Where an array lies: `offset` elements into array `place` of those that a program is run with. */
export interface Place {
  place: number;
  offset: number;
}

/** A call: the kernel's name, its numbers, and its arrays in the addon's order. */
interface Step {
  kernel: string;
  numbers: readonly number[];
  arrays: readonly Maybe[];
}

/**
 * Runs kernels and writes down what it ran, so that the same can be run again over other arrays, in one call: `program`, then `HeavyKernels.run`. What is run may depend on the
 * arrays' lengths and on numbers; a value that JavaScript reads from an array is fixed for good.
 */
export class Recorder {
  readonly heavy: HeavyKernels;
  readonly light: StepKernels;
  readonly #kernels: readonly string[];
  readonly #steps: Step[] = [];
  /** Whether something was run that is no step. */
  #incomplete = false;

  constructor(raw: RawHeavyKernels, light: StepKernels) {
    this.#kernels = raw.steps();
    this.heavy = heavyKernelsOf(this.#heavySteps(raw));
    this.light = this.#lightSteps(light);
  }

  /**
   * What was run, as `HeavyKernels.run` takes it. @param placeOf  undefined: the array is none of those that the program will be run with
   * @returns undefined where something was run that is no step, or over an array without a place
   */
  program(placeOf: (array: Float32Array) => Place | undefined): Float64Array | undefined {
    if (this.#incomplete) return undefined;
    const program: number[] = [];
    for (const { kernel, numbers, arrays } of this.#steps) {
      program.push(this.#kernels.indexOf(kernel), numbers.length, arrays.length, ...numbers);
      for (const array of arrays) {
        const found = array === null ? { place: -1, offset: 0 } : placeOf(array);
        if (found === undefined) return undefined;
        program.push(found.place, found.offset, array?.length ?? 0);
      }
    }
    return Float64Array.from(program);
  }

  /** Of each array's memory the first and the last step that use it. */
  lives(): Map<ArrayBufferLike, [first: number, last: number]> {
    const lives = new Map<ArrayBufferLike, [number, number]>();
    for (const [i, { arrays }] of this.#steps.entries()) {
      for (const array of arrays) if (array) lives.set(array.buffer, [lives.get(array.buffer)?.[0] ?? i, i]);
    }
    return lives;
  }

  #heavySteps(raw: RawHeavyKernels): RawHeavyKernels {
    const recorded = (kernel: string, run: (numbers: Float64Array, ...arrays: Maybe[]) => void) => (numbers: Float64Array, ...arrays: Maybe[]) => {
      this.#steps.push({ kernel, numbers: [...numbers], arrays });
      run(numbers, ...arrays);
    }; // biome-ignore format: a function of a function
    const unrecorded = (run: (...args: never[]) => unknown) => (...args: never[]) => {
      this.#incomplete = true;
      return run(...args);
    }; // biome-ignore format: a function of a function
    const functions = Object.entries(raw).map(([name, run]) => [name, (this.#kernels.includes(name) ? recorded(name, run) : unrecorded(run))]); // biome-ignore format: one thought
    const scale = (arrays: readonly Float32Array[], factor: number) => {
      for (const array of arrays) this.#steps.push({ kernel: "scale", numbers: [factor], arrays: [array] });
      raw.scale(arrays, factor);
    };
    return { ...Object.fromEntries(functions), scale };
  }

  #lightSteps(light: StepKernels): StepKernels {
    const take = (kernel: string, numbers: readonly number[], ...arrays: readonly ArrayBufferView[]) => {
      if (!arrays.every((array) => array instanceof Float32Array)) this.#incomplete = true;
      this.#steps.push({ kernel, numbers, arrays: arrays as readonly Float32Array[] });
    };
    return {
      unary(operation, x, y, a = 0, b = 0) {
        take("unary", [operation, a, b], x, y);
        light.unary(operation, x, y, a, b);
      },
      binary(operation, left, right, out, layout) {
        take("binary", [operation, ...layout], left, right, out);
        light.binary(operation, left, right, out, layout);
      },
      reduce(kind, x, y, outer, n, inner) {
        take("reduce", [kind, outer, n, inner], x, y);
        light.reduce(kind, x, y, outer, n, inner);
      },
      copy(source, from, target, to, layout) {
        take("copy", [from, to, ...layout], source, target);
        light.copy(source, from, target, to, layout);
      },
      fill(out, value) {
        take("fill", [value], out);
        light.fill(out, value);
      },
    };
  }
}

/** A recorder of this process's kernels; undefined where the portable form computes. */
export function recorder(): Recorder | undefined {
  const { heavy, light } = loadBinding();
  return heavy && light && new Recorder(heavy, light);
}
