import { type ErrorCode, EtalonError } from "@etalon/errors";

/** What the addon throws: the C library's status, and where an argument is at fault its name, value and what is allowed. */
interface AddonError extends Error {
  code?: string;
  argument?: string;
  value?: unknown;
  allowed?: string;
}

/**
 * Runs a call into the addon; its errors become EtalonErrors.
 * @throws EtalonError BAD_SHAPE: an array is too short for the sizes; BAD_TYPE, OUT_OF_RANGE: an argument makes no sense; UNSUPPORTED: out of memory; NATIVE: the library failed
 */
export function asEtalonError(error: unknown): unknown {
  if (!(error instanceof Error) || EtalonError.is(error)) return error;
  const { code, argument, value, allowed, message } = error as AddonError;
  if (argument !== undefined) return new EtalonError(code as ErrorCode, { argument, value, allowed }, { cause: error });
  if (code === "ETALON_INVALID_ARGUMENT")
    return new EtalonError("OUT_OF_RANGE", {}, { message: `${message}.`, cause: error });
  if (code === "ETALON_OUT_OF_MEMORY") {
    const hint = "Use smaller batches, or dispose what is not needed.";
    return new EtalonError("UNSUPPORTED", { hint }, { message: `Out of memory within a kernel of the native library. ${hint}`, cause: error });
  } // biome-ignore format: a line
  return new EtalonError("NATIVE", {}, { message: `The native library failed: ${message}.`, cause: error });
}
