import { check, EtalonError } from "@etalon/errors";
import { refuseBusy, whileBusy } from "../inProgress.ts";
import { mpiAddon } from "../mpiAddon.ts";
import { ncclPath } from "../ncclPath.ts";
import type { MpiBinding, RawRanks } from "./MpiBinding.ts";
import { takeTransport } from "./takeTransport.ts";
import { chosenTransport, type TransportName } from "./transport.ts";
import { watchWaiting } from "./watchWaiting.ts";

/** The ranks of this process's MPI, and what they do together. All ranks call the same functions in the same order. */
export interface Mpi extends RawRanks {
  /** What carries long messages; MPI carries the others always. */
  readonly kind: TransportName;
  /** Names and versions of the libraries that do: "Open MPI v4.1.4, MPI 3.1", and behind it "; NCCL 2.30.7, GPU 0 (0000:3B:00.0)". */
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
 * Begins MPI, once a process, and NCCL on it where ETALON_TRANSPORT is "nccl". It ends by `close`; a process that ends without, ends it on the way out where its exit code is 0, and otherwise ends all ranks with that code.
 * A rank that waits for others longer than ETALON_MPI_PATIENCE seconds (60 where it is not set) says on stderr for which.
 * @throws EtalonError UNSUPPORTED: there is no addon here, or NCCL was asked for and a rank cannot have it; PEER: MPI or NCCL did not begin, or ranks ask for different transports; OUT_OF_RANGE: no such transport
 */
export function openMpi(): Promise<Mpi> {
  opened ??= open(mpiAddon(), chosenTransport());
  return opened;
}

async function open(binding: MpiBinding, transport: TransportName): Promise<Mpi> {
  const nccl = transport === "nccl" ? ncclPath() : undefined; // before MPI begins
  const asPeer = peerFailures(nccl ? "NCCL over MPI" : "MPI");
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
  const close = async () => {
    if (ended) return;
    ended = true;
    await asPeer(binding.finalise());
    stopWatching();
  };
  const library = await asPeer(takeTransport(binding, ranks, transport, nccl));
  if (EtalonError.is(library)) {
    await close();
    throw library;
  }
  const output = (values: ArrayBufferView, call: () => Promise<void>) => {
    refuseBusy("values", values);
    return whileBusy([values], asPeer(call()));
  };
  return {
    kind: transport,
    ...ranks,
    library,
    allreduce: async (values) => output(checkFloats(values), () => binding.allreduce(values)),
    allgather: async (bytes) => asPeer(binding.allgather(checkBytes(bytes))),
    async broadcast(bytes, root = 0) {
      check.range("root", root, { min: 0, max: ranks.size - 1, integer: true });
      await output(checkBytes(bytes), () => binding.broadcast(bytes, root));
    },
    barrier: () => asPeer(binding.barrier()),
    abort,
    close,
  };
}

/** What turns a failed call into the error of a peer. @param by  what carried the call's messages */
function peerFailures(by: string) {
  return async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new EtalonError("PEER", { argument: "mpi" }, { message: `${by}: ${message}.`, cause });
    }
  };
}

function checkFloats(values: Float32Array | Float64Array): Float32Array | Float64Array {
  if (values instanceof Float32Array || values instanceof Float64Array) return values;
  throw new EtalonError("BAD_TYPE", { argument: "values", value: values, allowed: "a Float32Array or a Float64Array" });
}

function checkBytes(bytes: Uint8Array): Uint8Array {
  if (bytes instanceof Uint8Array) return bytes;
  throw new EtalonError("BAD_TYPE", { argument: "bytes", value: bytes, allowed: "a Uint8Array" });
}
