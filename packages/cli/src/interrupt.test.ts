import { expect, test, vi } from "vitest";
import { interruptSignal } from "./interrupt.ts";

test("a Ctrl-C aborts once, its echo does nothing, and a later one ends the process", () => {
  const written = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const exit = vi.spyOn(process, "exit").mockReturnValue(undefined as never);
  const clock = vi.spyOn(performance, "now").mockReturnValue(5000);
  const { signal, dispose } = interruptSignal();
  try {
    process.emit("SIGINT");
    expect(signal.aborted).toBe(true);
    clock.mockReturnValue(5100);
    process.emit("SIGINT"); // npx passes on what the terminal has sent already
    expect(exit).not.toHaveBeenCalled();
    clock.mockReturnValue(7000);
    process.emit("SIGINT");
    expect(exit).toHaveBeenCalledExactlyOnceWith(130);
    expect(written).toHaveBeenCalledTimes(1);
  } finally {
    dispose();
    vi.restoreAllMocks();
  }
});
