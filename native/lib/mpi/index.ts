export { EtalonError } from "@etalon/errors";
export { mpiLibrary } from "./mpiLibrary.ts";
export { type Mpi, openMpi } from "./openMpi.ts";
