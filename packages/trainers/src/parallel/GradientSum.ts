import { type NamedTensorMap, tf, type Variable } from "@etalon/engine";
import { Buckets } from "./Buckets.ts";
import type { Communicator } from "./Communicator.ts";
import { addGradients, type Gradients, GradientTree } from "./GradientTree.ts";
import { gather } from "./gather.ts";
import { soloCommunicator } from "./soloCommunicator.ts";

/** How gradients are summed up. */
export interface SumOptions {
  /** Default: this process alone. */
  communicator?: Communicator;
  /** What is trained, by the names that gradients have. */
  variables: ReadonlyMap<string, Variable>;
  /** Micro-batches that a rank adds up, in their order, before they go into the tree: `reductionSpan`. Default 1. */
  span?: number;
  /** The arrays that gradients travel in, kept from one sum to the next: fresh memory costs more than what is done with it. Default: its own, of about 4 MB each. */
  buckets?: () => Buckets;
}

/**
 * The sum of an update's gradients over micro-batches and ranks. A rank's micro-batches come in blocks of `span`, added up in their order; the n-th blocks of all ranks are summed by the tree over ranks while
 * the next are computed; the tree over n adds those up. So, where ranks are a power of two and have equally many whole blocks, the sum is that of one process to the bit.   docs/parallel.md
 */
export class GradientSum {
  readonly #options: Required<SumOptions>;
  readonly #tree = new GradientTree();
  #blocks = 0; // that the rank with the most of them has
  #sent = 0;
  #block: Gradients | undefined;
  #inBlock = 0;
  #buckets: Buckets | undefined;
  #flight: Promise<void> | undefined;

  constructor({ variables, communicator = soloCommunicator, span = 1, buckets }: SumOptions) {
    this.#options = { variables, communicator, span, buckets: buckets ?? (() => new Buckets(variables, 4e6)) };
  }

  /**
   * Tells the ranks what this one will add.
   * @param leaves  calls of `add`    @param count  what means are taken over: image-steps    @returns that of all ranks
   */
  async begin(leaves: number, count: number): Promise<number> {
    const all = await gather(this.#options.communicator, { leaves, count });
    this.#blocks = Math.max(...all.map((one) => Math.ceil(one.leaves / this.#options.span)));
    return all.reduce((sum, one) => sum + one.count, 0);
  }

  /** Takes the gradients of the next micro-batch, which are used up. What is under way goes on while the next ones are computed. */
  async add(gradients: Gradients): Promise<void> {
    this.#block = this.#block ? addGradients(this.#block, gradients) : gradients;
    this.#inBlock += 1;
    if (this.#inBlock === this.#options.span) await this.#send();
  }

  /** The sum over all micro-batches of all ranks: tensors that the caller disposes. */
  async finish(): Promise<NamedTensorMap> {
    if (this.#inBlock > 0) await this.#send();
    while (this.#sent < this.#blocks) await this.#send();
    await this.#land();
    return this.#tree.finish();
  }

  /** Every rank's notes on its micro-batches, in the order of the sum. */
  async inOrder<T>(own: readonly T[]): Promise<T[]> {
    const all = await gather(this.#options.communicator, own);
    const { span } = this.#options;
    return Array.from({ length: this.#blocks }, (_, n) => all.map((notes) => notes.slice(n * span, (n + 1) * span))).flat(2); // biome-ignore format: one thought
  }

  dispose(): void {
    this.#tree.dispose();
    if (this.#block) tf.dispose([...this.#block.values()]);
    this.#block = undefined;
  }

  async #send(): Promise<void> {
    const { communicator, buckets } = this.#options;
    const block = this.#block ?? new Map();
    [this.#block, this.#inBlock] = [undefined, 0];
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
