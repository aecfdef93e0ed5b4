import { EtalonError } from "@etalon/errors";
import type { Communicator } from "./Communicator.ts";
import { gather } from "./gather.ts";
import { isAgreed } from "./together.ts";

/** The places where the ranks of a run agree whether it goes on: before each epoch, and after the last. So that all stop at the same place, whichever of them was told to. */
export class Rounds {
  readonly #communicator: Communicator;
  readonly #signal: AbortSignal | undefined;
  #over = false;

  constructor(communicator: Communicator, signal?: AbortSignal) {
    this.#communicator = communicator;
    this.#signal = signal;
  }

  /** Whether any rank was told to stop, or has left. */
  async shallStop(): Promise<boolean> {
    const stop = (await gather(this.#communicator, this.#signal?.aborted ?? false)).includes(true);
    this.#over ||= stop && this.#communicator.size > 1;
    return stop;
  }

  /** After the last epoch: the ranks meet once more, in case that one of them has left instead. */
  async finish(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    await gather(this.#communicator, false);
  }

  /** Ends the run on all ranks for an error that only this one has. */
  giveUp(error: unknown): void {
    this.#over = true;
    if (isAgreed(error) || (EtalonError.is(error) && error.code === "PEER")) return;
    this.#communicator.abort(error instanceof Error ? error.message : String(error));
  }

  /** A rank that leaves between two epochs: the others stop there. */
  async leave(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    await gather(this.#communicator, true);
  }
}
