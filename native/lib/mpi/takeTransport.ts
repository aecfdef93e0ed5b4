import { EtalonError } from "@etalon/errors";
import type { MpiBinding, RawRanks } from "./MpiBinding.ts";
import type { TransportName } from "./transport.ts";

/**
 * Lets what was asked for carry the ranks' messages. All ranks call it.
 * @param nccl  path of the NCCL library, where that was asked for
 * @returns its libraries, in words; or the refusal that all ranks have, after which they may end in order: PEER where they ask for different transports, UNSUPPORTED where a rank cannot have NCCL
 * @throws Error: it failed on this rank, and others may wait for it
 */
export async function takeTransport(
  binding: MpiBinding,
  ranks: RawRanks,
  own: TransportName,
  nccl: string | undefined,
): Promise<string | EtalonError> {
  const all = (await binding.allgather(new TextEncoder().encode(own))).map((bytes) => new TextDecoder().decode(bytes));
  const other = all.findIndex((one) => one !== all[0]);
  if (other > 0) return differs(ranks, all, other);
  if (nccl === undefined) return binding.library();
  try {
    return `${binding.library()}; ${await binding.useNccl(nccl)}`;
  } catch (cause) {
    if ((cause as { code?: string }).code !== "ETALON_REFUSED") throw cause;
    return refused(cause as Error);
  }
}

/** One rank would wait for what another never sends. */
function differs({ hosts }: RawRanks, all: readonly string[], other: number): EtalonError {
  const hint = "Open MPI hands a variable on to other machines by mpirun -x ETALON_TRANSPORT.";
  const message = `ETALON_TRANSPORT is "${all[other]}" on rank ${other} on ${hosts[other]} and "${all[0]}" on rank 0 on ${hosts[0]}; allowed: the same on all ranks. ${hint}`;
  return new EtalonError(
    "PEER",
    { argument: "ETALON_TRANSPORT", value: all[other], allowed: all[0], hint },
    { message },
  );
}

function refused(cause: Error): EtalonError {
  const hint = "Each rank needs a GPU of its own, and the libraries of the build; MPI carries everything without.";
  const message = `ETALON_TRANSPORT is "nccl", and NCCL cannot be had: ${cause.message}; allowed here: mpi. ${hint}`;
  return new EtalonError("UNSUPPORTED", { argument: "ETALON_TRANSPORT", value: "nccl", allowed: "mpi", hint }, { message, cause }); // biome-ignore format: one thought
}
