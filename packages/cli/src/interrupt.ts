import { remark } from "./output.ts";

/** A wrapper such as npx passes a Ctrl-C on that the terminal has sent already: what comes within this time is the same one. In ms. */
const echoTime = 1000;

const signals = ["SIGINT", "SIGTERM", "SIGUSR2"] as const;

/**
 * A signal that the first Ctrl-C aborts, so that a long call can save its state and stop. SIGTERM does too, and SIGUSR2, which Slurm can send before a job's time is over, and mpirun passes on.
 * Another one, a second or more later, ends the process at once.
 * `dispose` takes the handlers away again.
 */
export function interruptSignal(): { signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  let first = 0;
  const handler = () => {
    if (controller.signal.aborted) {
      if (performance.now() - first > echoTime) process.exit(130);
      return;
    }
    first = performance.now();
    remark("stopping: state is being saved (Ctrl-C again to stop at once)");
    controller.abort();
  };
  for (const name of signals) process.on(name, handler);
  return {
    signal: controller.signal,
    dispose() {
      for (const name of signals) process.off(name, handler);
    },
  };
}
