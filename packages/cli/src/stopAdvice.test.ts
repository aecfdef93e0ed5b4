import { expect, test } from "vitest";
import { stopAdvice } from "./stopAdvice.ts";

test("ranks that a signal would end before they have saved are told how to stop; others are told nothing", () => {
  const mpirun = { OMPI_COMM_WORLD_SIZE: "2" };
  expect(stopAdvice({})).toBeUndefined();
  expect(stopAdvice({ npm_command: "exec" })).toBeUndefined();
  expect(stopAdvice(mpirun)).toMatch(/^mpirun leaves a second to save .* --mca odls_base_sigkill_timeout 10$/);
  expect(stopAdvice({ ...mpirun, OMPI_MCA_odls_base_sigkill_timeout: "10" })).toBeUndefined();
  expect(stopAdvice({ SLURM_STEP_NUM_TASKS: "2" })).toBeUndefined();
  expect(stopAdvice({ SLURM_STEP_NUM_TASKS: "2", npm_command: "exec" })).toBe(
    "SIGUSR2 to srun ends npx before the ranks have saved: start node_modules/.bin/etalon in its place",
  );
});
