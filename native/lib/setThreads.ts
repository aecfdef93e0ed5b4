import { check } from "@etalon/errors";
import { call } from "./call.ts";

/**
 * Sets how many threads a call may use, in this process. Default: ETALON_NUM_THREADS, else one a core this process may run on. No result depends on it.
 * The portable form has one thread whatever is set.   @throws EtalonError OUT_OF_RANGE: not a whole number from 1 to 1024
 */
export function setThreads(threads: number): void {
  check.range("threads", threads, { min: 1, max: 1024, integer: true });
  call((binding) => binding.setThreads(threads));
}
