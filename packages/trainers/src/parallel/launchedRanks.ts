/** How many processes a launcher started beside this one, itself included; 1 where none did. */
export interface Launch {
  ranks: number;
  /** The program that did, in words. */
  by: string;
}

/** What the environment says of who started this process: Open MPI's mpirun, MPICH's Hydra and its kin, or Slurm's srun. */
export function launchedRanks(env: NodeJS.ProcessEnv = process.env): Launch {
  const known = [
    ["OMPI_COMM_WORLD_SIZE", "mpirun"],
    ["PMI_SIZE", "mpiexec"],
    ["SLURM_STEP_NUM_TASKS", "srun"],
  ] as const;
  for (const [name, by] of known) {
    const ranks = Number(env[name]);
    if (Number.isInteger(ranks) && ranks > 0) return { ranks, by };
  }
  return { ranks: 1, by: "nothing" };
}
