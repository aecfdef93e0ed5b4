/** A wrapper such as npx passes a Ctrl-C on that the terminal has sent already: what comes within this time is the same one. In ms. */
const echoTime = 1000;

/**
 * A signal that the first Ctrl-C (or SIGTERM) aborts, so that a long call can save its state and stop. Another one, a second or more later, ends the process at once.
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
    process.stderr.write("\nstopping: state is being saved (Ctrl-C again to stop at once)\n");
    controller.abort();
  };
  process.on("SIGINT", handler);
  process.on("SIGTERM", handler);
  return {
    signal: controller.signal,
    dispose() {
      process.off("SIGINT", handler);
      process.off("SIGTERM", handler);
    },
  };
}
