import { EtalonError } from "@etalon/errors";

/** What a shell sees when a command ends. */
export const exit = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** Codes of errors that are the caller's input, not a failure on the way. */
const inputCodes = new Set([
  "OUT_OF_RANGE",
  "BAD_SHAPE",
  "BAD_TYPE",
  "BAD_CONFIG",
  "BAD_FILE",
  "NOT_FOUND",
  "EXISTS",
  "UNSUPPORTED",
  "DENIED",
]);

/** The exit code of a command that ended with an error: 130 where it was stopped, 2 where its input was at fault, else 1. */
export function exitCode(error: unknown): number {
  if (!EtalonError.is(error)) return exit.failed;
  if (error.code === "ABORTED") return exit.interrupted;
  return inputCodes.has(error.code) ? exit.usage : exit.failed;
}
