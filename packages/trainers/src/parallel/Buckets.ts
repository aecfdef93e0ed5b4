import { peek, type Variable, written } from "@etalon/engine";
import { bucketPlaces, type Place } from "./bucketPlaces.ts";
import type { Communicator } from "./Communicator.ts";
import type { Gradients } from "./GradientTree.ts";

/**
 * Arrays that gradients travel in, as `bucketPlaces` lays them out. The last array ends with a number a variable: 1 where it has a gradient, since one without must stay without on all ranks.
 */
export class Buckets {
  readonly #places: Place[];
  readonly #arrays: Float32Array[];

  constructor(variables: ReadonlyMap<string, Variable>, bytes: number) {
    const { places, sizes } = bucketPlaces(variables, bytes);
    this.#places = places;
    this.#arrays = sizes.map((size) => new Float32Array(size));
  }

  /** Copies gradients in; where there are none of a variable, zeros. The gradients stay the caller's. */
  fill(gradients: Gradients): void {
    const flags = this.#flags();
    for (const [i, { name, bucket, begin, end }] of this.#places.entries()) {
      const gradient = gradients.get(name);
      flags[i] = gradient ? 1 : 0;
      if (gradient) this.#arrays[bucket].set(peek(gradient), begin);
      else this.#arrays[bucket].fill(0, begin, end);
    }
  }

  /** Begins the sums over the ranks. */
  async allreduce(communicator: Communicator): Promise<void> {
    await Promise.all(this.#arrays.map((values) => communicator.allreduce(values)));
  }

  /** What lies in them, as new tensors. */
  take(): Gradients {
    const flags = this.#flags();
    const present = this.#places.filter((_, i) => flags[i] > 0);
    return new Map(present.map(({ name, shape, bucket, begin, end }) => [name, written(shape, (values) => values.set(this.#arrays[bucket].subarray(begin, end)))])); // biome-ignore format: one thought
  }

  #flags(): Float32Array {
    return this.#arrays[this.#arrays.length - 1].subarray(-this.#places.length);
  }
}
