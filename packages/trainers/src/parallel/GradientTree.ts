import { type NamedTensorMap, type Tensor, tf } from "@etalon/engine";

/** Gradients by the names of their variables. */
export type Gradients = Map<string, Tensor>;

/** Adds one map to another, by name; a name that only one has is taken as it is. Both are used up. */
export function addGradients(left: Gradients, right: Gradients): Gradients {
  for (const [name, gradient] of right) {
    const before = left.get(name);
    left.set(name, before ? before.add(gradient) : gradient);
    if (before) tf.dispose([before, gradient]);
  }
  return left;
}

/** Sums gradients as they come, by the tree of `sumTree`: at most ⌈log2 n⌉ + 1 partial sums are held. */
export class GradientTree {
  readonly #partial: { level: number; sum: Gradients }[] = [];

  /** Takes the next one, which is used up. */
  add(gradients: Gradients): void {
    let [level, sum] = [0, gradients];
    while (this.#partial.at(-1)?.level === level) {
      sum = addGradients((this.#partial.pop() as { sum: Gradients }).sum, sum);
      level += 1;
    }
    this.#partial.push({ level, sum });
  }

  /** The sum, which is the caller's; the tree is empty then. */
  finish(): NamedTensorMap {
    const sum = this.#partial.splice(0).reduceRight<Gradients>((right, { sum: left }) => addGradients(left, right), new Map()); // biome-ignore format: one thought
    return Object.fromEntries(sum);
  }

  dispose(): void {
    for (const { sum } of this.#partial.splice(0)) tf.dispose([...sum.values()]);
  }
}
