import { check } from "@etalon/errors";

/** What may carry the ranks' long messages; MPI carries the short ones always. */
export const transports = ["mpi", "nccl"] as const;
export type TransportName = (typeof transports)[number];

/** The one that ETALON_TRANSPORT names: "mpi" where it is not set. @throws EtalonError OUT_OF_RANGE */
export const chosenTransport = (): TransportName => check.oneOf("ETALON_TRANSPORT", process.env.ETALON_TRANSPORT || "mpi", transports); // biome-ignore format: one thought
