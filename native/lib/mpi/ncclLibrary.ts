import { EtalonError } from "@etalon/errors";
import { mpiAddon } from "../mpiAddon.ts";
import { ncclPath } from "../ncclPath.ts";

/**
 * Versions of the NCCL that may carry messages here and of CUDA's runtime: "NCCL 2.30.7, CUDA 13.0". Begins neither and asks for no GPU.
 * @throws EtalonError UNSUPPORTED: it is not built here, or does not load, with what to do
 */
export function ncclLibrary(): string {
  const addon = mpiAddon();
  const path = ncclPath();
  try {
    return addon.ncclVersions(path);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const hint = 'Where CUDA or NCCL have changed, run "npx etalon-native build" again.';
    throw new EtalonError("UNSUPPORTED", { argument: "nccl", hint }, { message: `The NCCL path does not load: ${why}. ${hint}`, cause }); // biome-ignore format: one thought
  }
}
