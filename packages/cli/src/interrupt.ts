/**
 * A signal that the first Ctrl-C (or SIGTERM) aborts, so that a long call can save its state and stop. A second one ends the process at once.
 * `dispose` takes the handlers away again.
 */
export function interruptSignal(): { signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  const handler = () => {
    if (controller.signal.aborted) process.exit(130);
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
