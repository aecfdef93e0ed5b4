import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Ended, ended } from "./spawnSource.ts";

const addon = fileURLToPath(new URL("../../../native/build/Release/etalon_mpi.node", import.meta.url));

/** Why tests with MPI are left out here; undefined where they can run. */
export function mpiMissing(): string | undefined {
  if (!existsSync(addon)) return "the MPI addon is not built here";
  if (spawnSync("mpirun", ["--version"]).status !== 0) return "mpirun is not in PATH";
  return undefined;
}

/** What lets ranks share this machine, a thread each, whatever its number of processors. */
export const rankEnvironment = {
  ETALON_NUM_THREADS: "1",
  OMPI_ALLOW_RUN_AS_ROOT: "1",
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1",
  OMPI_MCA_rmaps_base_oversubscribe: "1",
  OMPI_MCA_hwloc_base_binding_policy: "none",
  OMPI_MCA_mpi_yield_when_idle: "1",
  OMPI_MCA_btl_base_warn_component_unused: "0",
};

/** A program among ranks: its launcher, and how it ended. */
interface Launched {
  child: ChildProcess;
  end: Promise<Ended>;
}

/** Starts a file of JavaScript in so many ranks on this machine, a thread each, whatever its number of processors. @param heard  is told all that was printed so far, at each piece */
export function mpirun(ranks: number, file: URL, args: readonly string[], heard?: (text: string) => void): Launched {
  const child = spawn("mpirun", ["-n", String(ranks), process.execPath, fileURLToPath(file), ...args], { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...rankEnvironment } }); // biome-ignore format: one thought
  return { child, end: ended(child, heard) };
}
