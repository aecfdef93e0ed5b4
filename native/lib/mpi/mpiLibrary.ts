import { mpiAddon } from "../mpiAddon.ts";

/** Name and version of the MPI library that the addon was built with: "Open MPI v4.1.4, MPI 3.1". Does not begin MPI. @throws EtalonError UNSUPPORTED: there is no addon here, with what to do */
export const mpiLibrary = (): string => mpiAddon().library();
