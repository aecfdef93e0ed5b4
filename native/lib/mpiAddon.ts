import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { EtalonError } from "@etalon/errors";
import type { MpiBinding } from "./mpi/MpiBinding.ts";

let loaded: MpiBinding | undefined;

/**
 * The MPI addon of this process: the file that ETALON_MPI_BINARY names, or the local build.
 * @throws EtalonError UNSUPPORTED: it is not built here, or does not load, with what to do
 */
export function mpiAddon(): MpiBinding {
  loaded ??= load(process.env.ETALON_MPI_BINARY || fileURLToPath(new URL("../build/Release/etalon_mpi.node", import.meta.url))); // biome-ignore format: one thought
  return loaded;
}

function load(file: string): MpiBinding {
  const path = resolve(file);
  if (!existsSync(path)) throw missing("is not built here", 'Install Open MPI or MPICH with their headers (Debian: openmpi-bin libopenmpi-dev), then run "npx etalon-native build".'); // biome-ignore format: one thought
  try {
    return createRequire(import.meta.url)(path) as MpiBinding;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw missing(`does not load: ${why}`, 'Where MPI has changed, run "npx etalon-native build" again.', cause);
  }
}

const missing = (what: string, hint: string, cause?: unknown) =>
  new EtalonError("UNSUPPORTED", { argument: "mpi", hint }, { message: `The MPI addon ${what}. ${hint}`, cause });
