/**
 * The ranks of a data-parallel run, as one of them sees them. Every rank calls the same functions in the same order; a call settles on a rank when that rank's part is
 * done. `soloCommunicator` is a run of one, `openCommunicator` takes MPI where the process was started by it, `inProcess` makes several ranks within one process.
 */
export interface Communicator {
  /** What carries the messages; "nccl": NCCL the long ones, MPI the others. */
  readonly kind: "solo" | "in-process" | "mpi" | "nccl";
  /** This process, from 0. */
  readonly rank: number;
  /** How many there are. */
  readonly size: number;
  /** This process among those of its machine, from 0, and how many they are. */
  readonly localRank: number;
  readonly localSize: number;
  /** The machine of each rank. */
  readonly hosts: readonly string[];
  /**
   * Sums an array over the ranks, in place. Element by element by one fixed tree over the ranks, ((0+1)+(2+3))+…: the same bits on every rank and from run to run. The array
   * must be left alone until the promise settles. Several may be under way; all ranks start them in the same order.
   * @throws EtalonError PEER: a rank is gone or has given up; BAD_SHAPE: the ranks' lengths differ
   */
  allreduce(values: Float32Array | Float64Array): Promise<void>;
  /** Every rank's bytes, by rank; lengths may differ. @throws EtalonError PEER */
  allgather(bytes: Uint8Array): Promise<Uint8Array[]>;
  /** The root's bytes into every rank's array of the same length. @throws EtalonError PEER, BAD_SHAPE */
  broadcast(bytes: Uint8Array, root?: number): Promise<void>;
  /** Settles when every rank has called it. @throws EtalonError PEER */
  barrier(): Promise<void>;
  /** Makes all ranks stop: each call of theirs fails, or, under MPI, their processes end. The others are told why in a line. @param code  exit code of the processes */
  abort(why: string, code?: number): void;
  /** The last call of a rank: waits for what is under way, and for the other ranks to do the same. */
  close(): Promise<void>;
}
