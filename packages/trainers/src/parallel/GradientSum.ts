import { type NamedTensorMap, tf, type Variable } from "@etalon/engine";
import { Buckets } from "./Buckets.ts";
import type { Communicator } from "./Communicator.ts";
import { type Gradients, GradientTree, halves, inARow, neighbours } from "./GradientTree.ts";
import { gather } from "./gather.ts";
import { soloCommunicator } from "./soloCommunicator.ts";

/** How gradients are summed up. */
export interface SumOptions {
  /** Default: this process alone. */
  communicator?: Communicator;
  /** What is trained, by the names that gradients have. */
  variables: ReadonlyMap<string, Variable>;
  /** Micro-batches that a rank adds up before they are summed over the ranks: `workOfRanks`. Default: all of an update. */
  span?: number;
  /** Whether a rank's micro-batches are added up in a row, which holds one sum of them, and not by halves, which has the same bits on any power of two of ranks. Default false. */
  row?: boolean;
  /** The arrays that gradients travel in, kept from one sum to the next: fresh memory costs more than what is done with it. Default: its own, of about 4 MB each. */
  buckets?: () => Buckets;
}

/**
 * The sum of an update's gradients over micro-batches and ranks. A rank's micro-batches come in blocks of `span`; the n-th blocks of all ranks are summed by the tree over ranks while the next are computed, and
 * those sums by neighbours over n. So, where ranks are a power of two and have equally many micro-batches, the sum is that of one process to the bit: by halves of one block, or of more blocks of one length.   docs/parallel.md
 */
export class GradientSum {
  readonly #options: Required<SumOptions>;
  readonly #tree = new GradientTree(neighbours);
  #blocks = 0; // that the rank with the most of them has
  #left = 0; // micro-batches of this rank
  #sent = 0;
  #block: { tree: GradientTree; left: number } | undefined;
  #buckets: Buckets | undefined;
  #flight: Promise<void> | undefined;

  constructor(options: SumOptions) {
    const { communicator = soloCommunicator, variables, span = Number.MAX_SAFE_INTEGER, row = false } = options;
    const { buckets = () => new Buckets(variables, 4e6) } = options;
    this.#options = { communicator, variables, span, row, buckets };
  }

  /**
   * Tells the ranks what this one will add.
   * @param leaves  calls of `add`    @param count  what means are taken over: image-steps    @returns that of all ranks
   */
  async begin(leaves: number, count: number): Promise<number> {
    const all = await gather(this.#options.communicator, { leaves, count });
    this.#blocks = Math.max(...all.map((one) => Math.ceil(one.leaves / this.#options.span)));
    this.#left = leaves;
    return all.reduce((sum, one) => sum + one.count, 0);
  }

  /** Takes the gradients of the next micro-batch, which are used up. What is under way goes on while the next ones are computed. */
  async add(gradients: Gradients): Promise<void> {
    this.#block ??= this.#nextBlock();
    this.#block.tree.add(gradients);
    this.#block.left -= 1;
    if (this.#block.left === 0) await this.#send();
  }

  /** The sum over all micro-batches of all ranks: tensors that the caller disposes. */
  async finish(): Promise<NamedTensorMap> {
    while (this.#sent < this.#blocks) await this.#send();
    await this.#land();
    return Object.fromEntries(this.#tree.finish());
  }

  /** Every rank's notes on its micro-batches, in the order of the sum. */
  async inOrder<T>(own: readonly T[]): Promise<T[]> {
    const all = await gather(this.#options.communicator, own);
    const { span } = this.#options;
    return Array.from({ length: this.#blocks }, (_, n) => all.map((notes) => notes.slice(n * span, (n + 1) * span))).flat(2); // biome-ignore format: one thought
  }

  dispose(): void {
    this.#tree.dispose();
    this.#block?.tree.dispose();
  }

  #nextBlock() {
    const { span, row } = this.#options;
    const length = Math.min(span, this.#left);
    this.#left -= length;
    return { tree: new GradientTree(row ? inARow : halves(length)), left: length };
  }

  /** The next block goes to the other ranks; of one that has no more, that there is none. */
  async #send(): Promise<void> {
    const { communicator, buckets } = this.#options;
    const block: Gradients = this.#block?.tree.finish() ?? new Map();
    this.#block = undefined;
    this.#sent += 1;
    if (communicator.size === 1) return this.#tree.add(block);
    try {
      await this.#land();
      this.#buckets ??= buckets();
      this.#buckets.fill(block);
    } finally {
      tf.dispose([...block.values()]);
    }
    this.#flight = this.#buckets.allreduce(communicator);
    this.#flight.catch(() => undefined); // heard where it is waited for
  }

  async #land(): Promise<void> {
    if (!this.#flight) return;
    await this.#flight;
    this.#flight = undefined;
    this.#tree.add((this.#buckets as Buckets).take());
  }
}
