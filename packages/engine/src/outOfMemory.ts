import { EtalonError } from "@etalon/errors";

/** What a runtime says of an array that is longer than it allows, or than there is memory for. */
const tooLarge = /invalid (typed )?array (buffer )?length|array buffer allocation failed/i;

/** An error of the runtime about an array's size as the EtalonError that the native engine gives for a tensor that is too large; any other error as it is. */
export function asOutOfMemory(error: unknown, what: string): unknown {
  if (!(error instanceof RangeError) || !tooLarge.test(error.message)) return error;
  const detail = { argument: "size of a tensor", allowed: "what this machine has memory for" };
  const message = `Out of memory: ${what} wants an array that is too large (${error.message}). Use smaller shapes or batches.`;
  return new EtalonError("UNSUPPORTED", detail, { message, cause: error });
}
