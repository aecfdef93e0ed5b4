import { EtalonError } from "@etalon/errors";
import { setThreads } from "@etalon/native";
import { type Communicator, isAgreed, openCommunicator, threadsPerRank } from "@etalon/trainers";
import { exitCode } from "./exitCode.ts";
import { beQuiet, remark } from "./output.ts";
import { stopAdvice } from "./stopAdvice.ts";

/**
 * Runs a command among the ranks that mpirun or srun started it with; alone where nothing did. The first rank alone prints. Threads are shared out among the ranks of a machine, where ETALON_NUM_THREADS does
 * not say how many. An error that all ranks have ends all in order; one that a single rank has ends the others' processes too, and is told with its rank and machine.
 */
export async function amongRanks<T>(call: (communicator: Communicator) => Promise<T>): Promise<T> {
  const communicator = await openCommunicator();
  if (communicator.size === 1) return call(communicator);
  if (communicator.rank > 0) beQuiet();
  const advice = stopAdvice();
  if (advice) remark(advice);
  try {
    if (!process.env.ETALON_NUM_THREADS) setThreads(await threadsPerRank(communicator));
    const result = await call(communicator);
    await communicator.close();
    return result;
  } catch (error) {
    const isKnown = isAgreed(error) || (EtalonError.is(error) && error.code === "ABORTED");
    if (!isKnown) communicator.abort(error instanceof Error ? error.message : String(error), exitCode(error));
    await communicator.close();
    throw error;
  }
}
