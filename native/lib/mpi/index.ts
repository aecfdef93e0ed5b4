export { EtalonError } from "@etalon/errors";
export { mpiLibrary } from "./mpiLibrary.ts";
export { ncclLibrary } from "./ncclLibrary.ts";
export { type Mpi, openMpi } from "./openMpi.ts";
export { chosenTransport, type TransportName } from "./transport.ts";
