import { tf, type Variable } from "@etalon/engine";
import type { Communicator } from "./Communicator.ts";
import type { Gradients } from "./GradientTree.ts";

/** Where a variable's gradient lies. */
interface Place {
  name: string;
  shape: number[];
  bucket: number;
  begin: number;
  end: number;
}

/**
 * Arrays that gradients travel in: variables in their order, some in an array, each array of about `bytes`; one larger than that has its own. The last array ends with a number a variable: 1 where
 * it has a gradient, since one without must stay without on all ranks.
 */
export class Buckets {
  readonly #places: Place[] = [];
  readonly #arrays: Float32Array[];

  constructor(variables: ReadonlyMap<string, Variable>, bytes: number) {
    const sizes = [0];
    for (const [name, { shape, size }] of variables) {
      if (sizes[sizes.length - 1] > 0 && 4 * (sizes[sizes.length - 1] + size) > bytes) sizes.push(0);
      const [bucket, begin] = [sizes.length - 1, sizes[sizes.length - 1]];
      this.#places.push({ name, shape, bucket, begin, end: begin + size });
      sizes[bucket] += size;
    }
    sizes[sizes.length - 1] += variables.size;
    this.#arrays = sizes.map((size) => new Float32Array(size));
  }

  /** Copies gradients in; where there are none of a variable, zeros. The gradients stay the caller's. */
  fill(gradients: Gradients): void {
    const flags = this.#flags();
    for (const [i, { name, bucket, begin, end }] of this.#places.entries()) {
      const gradient = gradients.get(name);
      flags[i] = gradient ? 1 : 0;
      if (gradient) this.#arrays[bucket].set(gradient.dataSync<"float32">(), begin);
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
    return new Map(present.map(({ name, shape, bucket, begin, end }) => [name, tf.tensor(this.#arrays[bucket].slice(begin, end), shape)])); // biome-ignore format: one thought
  }

  #flags(): Float32Array {
    return this.#arrays[this.#arrays.length - 1].subarray(-this.#places.length);
  }
}
