import { launchedRanks } from "@etalon/trainers";

/**
 * How ranks are stopped with everything saved, where the way they were started leaves little room: SIGUSR2 ends npx, and mpirun kills then; Open MPI's mpirun kills a second after Ctrl-C.
 * @returns undefined: nothing is in the way
 */
export function stopAdvice(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const { ranks, by } = launchedRanks(env);
  if (ranks === 1) return undefined;
  if (env.npm_command === "exec") return `SIGUSR2 to ${by} ends npx before the ranks have saved: start node_modules/.bin/etalon in its place`; // biome-ignore format: one thought
  if (by !== "mpirun" || env.OMPI_MCA_odls_base_sigkill_timeout) return undefined;
  return "mpirun leaves a second to save after Ctrl-C or SIGTERM: kill -USR2 it to stop with everything saved, or start it with --mca odls_base_sigkill_timeout 10"; // biome-ignore format: one thought
}
