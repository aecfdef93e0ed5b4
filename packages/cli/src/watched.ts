import { type Engine, type EngineName, engine } from "@etalon/engine";
import { interruptSignal } from "./interrupt.ts";
import { remark } from "./output.ts";
import { type Progress, progressBar } from "./progress.ts";

/** What a long command works with. */
export interface Watch {
  engine: Engine;
  /** Aborted by the first Ctrl-C. */
  signal: AbortSignal;
  /** Shows progress on stderr. */
  onProgress(progress: Progress): void;
}

/** How a command wants to be watched: `json` keeps the remark on the engine back; `engine` names it. */
export interface WatchOptions {
  json?: boolean;
  engine?: EngineName;
}

/** Runs a long call as every command does: the engine is loaded and told, progress is shown, Ctrl-C lets the call save its state and stop. */
export async function watched<T>(
  { json, engine: asked }: WatchOptions,
  call: (watch: Watch) => Promise<T>,
): Promise<T> {
  const running = await engine(asked);
  const { name, threads, why } = running;
  if (!json) remark(`engine ${name}, ${threads} ${threads === 1 ? "thread" : "threads"} (${why})`);
  const { signal, dispose } = interruptSignal();
  const bar = progressBar();
  try {
    return await call({ engine: running, signal, onProgress: bar.update });
  } finally {
    bar.stop();
    dispose();
  }
}
