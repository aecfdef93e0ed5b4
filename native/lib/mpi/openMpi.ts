import { check, EtalonError } from "@etalon/errors";
import { refuseBusy, whileBusy } from "../inProgress.ts";
import { mpiAddon } from "../mpiAddon.ts";
import type { MpiBinding, RawRanks } from "./MpiBinding.ts";
import { watchWaiting } from "./watchWaiting.ts";

/** The ranks of this process's MPI, and what they do together. All ranks call the same functions in the same order. */
export interface Mpi extends RawRanks {
  readonly kind: "mpi";
  /** Name and version of the library. */
  readonly library: string;
  /**
   * Sums an array over the ranks, in place; element by element by the tree ((0+1)+(2+3))+… over ranks: the same bits on every rank and from run to run. Other calls are refused the array
   * until the promise settles.   @throws EtalonError PEER: names call and rank; BUSY
   */
  allreduce(values: Float32Array | Float64Array): Promise<void>;
  /** Every rank's bytes, by rank; lengths may differ. */
  allgather(bytes: Uint8Array): Promise<Uint8Array[]>;
  /** The root's bytes into every rank's array of the same length. */
  broadcast(bytes: Uint8Array, root?: number): Promise<void>;
  barrier(): Promise<void>;
  /** Tells on stderr why, and ends the processes of all ranks by MPI_Abort. @param code  exit code, 1 to 255 */
  abort(why: string, code?: number): never;
  /** Waits for all ranks, and ends MPI. The last call. */
  close(): Promise<void>;
}

let opened: Promise<Mpi> | undefined;

/**
 * Begins MPI, once a process. It ends by `close`; a process that ends without, ends it on the way out where its exit code is 0, and otherwise ends all ranks with that code.
 * A rank that waits for others longer than ETALON_MPI_PATIENCE seconds (60 where it is not set) says on stderr for which.
 * @throws EtalonError UNSUPPORTED: there is no addon here; PEER: MPI did not begin
 */
export function openMpi(): Promise<Mpi> {
  opened ??= open(mpiAddon());
  return opened;
}

async function open(binding: MpiBinding): Promise<Mpi> {
  const ranks = await asPeer(binding.open());
  const stopWatching = watchWaiting(binding, ranks);
  let ended = false;
  const place = `rank ${ranks.rank} on ${ranks.hosts[ranks.rank]}`;
  const abort = (why: string, code = 1): never => {
    check.range("code", code, { min: 1, max: 255, integer: true });
    process.stderr.write(`etalon: ${place} ends the run: ${why}\n`);
    return binding.abort(code);
  };
  process.once("exit", (code) => {
    if (ended) return;
    if (code === 0) binding.finaliseAtExit();
    else abort(`it leaves with exit code ${code}`, code);
  });
  const output = (values: ArrayBufferView, call: () => Promise<void>) => {
    refuseBusy("values", values);
    return whileBusy([values], asPeer(call()));
  };
  return {
    kind: "mpi",
    ...ranks,
    library: binding.library(),
    allreduce: async (values) => output(checkFloats(values), () => binding.allreduce(values)),
    allgather: async (bytes) => asPeer(binding.allgather(checkBytes(bytes))),
    async broadcast(bytes, root = 0) {
      check.range("root", root, { min: 0, max: ranks.size - 1, integer: true });
      await output(checkBytes(bytes), () => binding.broadcast(bytes, root));
    },
    barrier: () => asPeer(binding.barrier()),
    abort,
    async close() {
      if (ended) return;
      ended = true;
      await asPeer(binding.finalise());
      stopWatching();
    },
  };
}

async function asPeer<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new EtalonError("PEER", { argument: "mpi" }, { message: `MPI: ${message}.`, cause });
  }
}

function checkFloats(values: Float32Array | Float64Array): Float32Array | Float64Array {
  if (values instanceof Float32Array || values instanceof Float64Array) return values;
  throw new EtalonError("BAD_TYPE", { argument: "values", value: values, allowed: "a Float32Array or a Float64Array" });
}

function checkBytes(bytes: Uint8Array): Uint8Array {
  if (bytes instanceof Uint8Array) return bytes;
  throw new EtalonError("BAD_TYPE", { argument: "bytes", value: bytes, allowed: "a Uint8Array" });
}
