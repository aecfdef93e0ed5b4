import { EtalonError } from "@etalon/errors";

/** What a runtime says of an array that is longer than it allows, or than there is memory for. */
const tooLarge = /invalid (typed )?array (buffer )?length|array buffer allocation failed/i;
/** What tfjs-node says where TensorFlow's allocator has no more: RESOURCE_EXHAUSTED. */
const exhausted = /^Invalid TF_Status: 8\b/;

/** An error of the runtime about an array's size as the EtalonError that the native engine gives for a tensor that is too large; any other error as it is. */
export function asOutOfMemory(error: unknown, what: string): unknown {
  if (!(error instanceof Error)) return error;
  if (!(error instanceof RangeError && tooLarge.test(error.message)) && !exhausted.test(error.message)) return error;
  const detail = { argument: "size of a tensor", allowed: "what this machine has memory for" };
  const message = `Out of memory: ${what} wants an array that is too large (${error.message.split("\n", 1)[0]}). Use smaller shapes or batches.`;
  return new EtalonError("UNSUPPORTED", detail, { message, cause: error });
}
