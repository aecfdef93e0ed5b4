import { join } from "node:path";
import { epochName, writeCheckpoint } from "./checkpoint.ts";
import type { CheckpointNotes, Learner } from "./Learner.ts";

/** A checkpoint that is on the disk. */
export interface SavedCheckpoint {
  epoch: number;
  folder: string;
  /** Whether its ODE reward is the highest so far. */
  best: boolean;
}

/**
 * Writes a run's checkpoints while it trains on: the files are written when it is told to, brought to the disk and renamed in the background, one checkpoint at a time.
 * What failed there is thrown at the next call.
 */
export class Saver {
  readonly #root: string;
  readonly #keep: number;
  readonly #onSaved: (saved: SavedCheckpoint) => void;
  #epoch: number;
  #flight: Promise<void> | undefined;
  #failure: { error: unknown } | undefined;

  /** @param root  the checkpoints folder    @param epoch  of the checkpoint that the run began from, which is not written again; −1: none */
  constructor(root: string, options: { keep: number; epoch: number; onSaved?: (saved: SavedCheckpoint) => void }) {
    this.#root = root;
    this.#keep = options.keep;
    this.#epoch = options.epoch;
    this.#onSaved = options.onSaved ?? (() => undefined);
  }

  /** Whether the newest checkpoint, written or on its way, is of this epoch. */
  has(epoch: number): boolean {
    return this.#epoch === epoch;
  }

  /** Begins a checkpoint of the learner as it is now. Waits for the one before. @throws EtalonError IO: this one's files, or what failed before */
  async begin(learner: Learner, notes: CheckpointNotes): Promise<void> {
    await this.settle();
    const { epoch } = learner.standing;
    const fill = (place: string) => learner.write(place, notes);
    const written = writeCheckpoint(this.#root, { epoch, fill, keep: this.#keep });
    this.#epoch = epoch;
    this.#flight = written.then(
      ({ best }) => this.#onSaved({ epoch, folder: join(this.#root, epochName(epoch)), best }),
      (error) => {
        this.#epoch = -1;
        this.#failure = { error };
      },
    );
  }

  /** Waits until nothing is on its way. @throws EtalonError IO: once, what failed in the background */
  async settle(): Promise<void> {
    await this.#flight;
    this.#flight = undefined;
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure.error;
  }
}
