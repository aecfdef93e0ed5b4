import { EtalonError } from "@etalon/errors";
import { openCommunicator } from "../src/index.ts";
import { rankedRun } from "./rankedRun.ts";

// What the tests with MPI run in each rank: rankProgram.mjs HOW OUT. The first rank prints.
const [how, out] = process.argv.slice(2);
const communicator = await openCommunicator();
const { rank } = communicator;
const stop = new AbortController();
process.on("SIGUSR2", () => stop.abort());

/** After each epoch: tells it; rank 1 kills itself after the fifth; or a moment is left for a signal. */
async function afterEpoch(epoch: number): Promise<void> {
  if (rank === 0) process.stdout.write(`epoch ${epoch}\n`);
  if (how === "die" && rank === 1 && epoch === 5) process.kill(process.pid, "SIGKILL");
  if (how === "wait") await new Promise((done) => setTimeout(done, 200));
}

try {
  await rankedRun(out, communicator, afterEpoch, stop.signal);
} catch (error) {
  if (!EtalonError.is(error) || error.code !== "ABORTED") communicator.abort(String(error));
  if (rank === 0) process.stdout.write(`${error}\n`);
}
await communicator.close();
