import { EtalonError, show } from "@etalon/errors";
import type { Progress } from "../Progress.ts";
import { runJob } from "./runJob.ts";
import type { FromWorker, ToWorker } from "./workerMessages.ts";

/**
 * A worker process of a study: runs the jobs it is sent, one at a time. Ctrl-C reaches it with the whole process group; it waits for its parent's word instead, and
 * ends with its parent.
 */
let controller = new AbortController();
const send = (message: FromWorker) => process.send?.(message, undefined, {}, (error) => error && process.exit(1));

process.on("SIGINT", () => {});
process.on("SIGTERM", () => controller.abort());
process.on("disconnect", () => process.exit(1));
process.on("message", async (message: ToWorker) => {
  if (message.kind === "abort") return controller.abort();
  controller = new AbortController();
  const { config, job, folder } = message;
  try {
    const onProgress = (progress: Progress) => send({ kind: "progress", progress });
    const seconds = await runJob({ config, job, folder, signal: controller.signal, onProgress });
    send({ kind: "done", seconds });
  } catch (error) {
    send({ kind: "error", ...asMessage(error) });
  }
});
send({ kind: "ready" });

/** An error as JSON. */
function asMessage(error: unknown) {
  const { message, stack } = error instanceof Error ? error : { message: String(error), stack: undefined };
  if (!EtalonError.is(error)) return { message, stack, detail: {} };
  return {
    message,
    stack,
    code: error.code,
    detail: "value" in error.detail ? { ...error.detail, value: show(error.detail.value) } : error.detail,
  };
}
