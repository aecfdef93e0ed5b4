import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { EtalonError } from "@etalon/errors";

/**
 * Where the library is by which NCCL carries messages: the file that ETALON_NCCL_BINARY names, or the local build.
 * @throws EtalonError UNSUPPORTED: it is not built here, with what to do
 */
export function ncclPath(): string {
  const path = resolve(process.env.ETALON_NCCL_BINARY || fileURLToPath(new URL("../build/Release/etalon_nccl.so", import.meta.url))); // biome-ignore format: one thought
  if (existsSync(path)) return path;
  const hint =
    'Install CUDA\'s toolkit and NCCL 2.14 or newer with its header (NCCL_HOME says where it is), and run "npx etalon-native build"; without it ETALON_TRANSPORT allows mpi alone.';
  throw new EtalonError(
    "UNSUPPORTED",
    { argument: "nccl", hint },
    { message: `The NCCL path is not built here. ${hint}` },
  );
}
