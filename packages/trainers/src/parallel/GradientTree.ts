import { type Tensor, tf } from "@etalon/engine";

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

/** How many of a tree's sums end with its n-th item, from 0. */
export type Order = (item: number) => number;

/** Neighbours first: ((0+1)+(2+3))+…; what has no neighbour waits for the next level. The tree over ranks is this one, so that what they sum item by item may be any number. */
export const neighbours: Order = (item) => 31 - Math.clz32((item + 1) & -(item + 1));

/** One after another: holds one sum. */
export const inARow: Order = (item) => (item === 0 ? 0 : 1);

/** The first half and the rest, each the same way: where ranks are a power of two and share the items equally, in a row, what each has of them is a branch. */
export const halves = (items: number): Order => {
  const ends = (item: number, of: number): number => {
    if (of <= 1) return 0;
    const first = Math.ceil(of / 2);
    if (item < first) return ends(item, first);
    return ends(item - first, of - first) + (item === of - 1 ? 1 : 0);
  };
  return (item) => ends(item, items);
};

/** Sums gradients as they come, in an order: of a tree, at most ⌈log2 n⌉ + 1 partial sums are held. */
export class GradientTree {
  readonly #order: Order;
  readonly #partial: Gradients[] = [];
  #items = 0;

  constructor(order: Order) {
    this.#order = order;
  }

  /** Takes the next one, which is used up. */
  add(gradients: Gradients): void {
    this.#partial.push(gradients);
    for (let ends = this.#order(this.#items++); ends > 0; ends--) this.#join();
  }

  /** The sum, which is the caller's; the tree is empty then. */
  finish(): Gradients {
    while (this.#partial.length > 1) this.#join();
    return this.#partial.pop() ?? new Map();
  }

  dispose(): void {
    for (const sum of this.#partial.splice(0)) tf.dispose([...sum.values()]);
  }

  #join(): void {
    const right = this.#partial.pop() as Gradients;
    this.#partial.push(addGradients(this.#partial.pop() as Gradients, right));
  }
}
