import { EtalonError } from "@etalon/errors";
import { chosenTransport, openMpi } from "@etalon/native/mpi";
import type { Communicator } from "./Communicator.ts";
import { launchedRanks } from "./launchedRanks.ts";
import { soloCommunicator } from "./soloCommunicator.ts";

/**
 * The ranks that this process was started among: by `mpirun -n 4 …` or `srun -n 4 …` those of MPI, else itself alone. NCCL carries their long messages where ETALON_TRANSPORT is "nccl". A process opens it once; `close` is its last call.
 * @throws EtalonError UNSUPPORTED: a launcher started several processes, and there is no MPI addon for them to meet through, or MPI does not know of them; NCCL was asked for and cannot be had; OUT_OF_RANGE: ETALON_TRANSPORT
 */
export async function openCommunicator(): Promise<Communicator> {
  chosenTransport(); // a misspelt one is told to one process too, which sends nothing
  const { ranks, by } = launchedRanks();
  if (ranks === 1) return soloCommunicator;
  const communicator: Communicator = await openMpi();
  if (communicator.size === ranks) return communicator;
  const { size } = communicator;
  await communicator.close();
  const hint =
    by === "srun"
      ? "srun --mpi=pmix (srun --mpi=list shows what there is)."
      : "Use the mpirun of the MPI that the addon was built with.";
  throw new EtalonError("UNSUPPORTED", { argument: `ranks started by ${by}`, value: ranks, allowed: `as many as MPI knows of, ${size}`, hint }); // biome-ignore format: one thought
}
