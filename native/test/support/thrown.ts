import { EtalonError } from "@etalon/errors";

/** The EtalonError that a call throws; anything else, and nothing, fails the test. */
export function thrown(run: () => unknown): EtalonError {
  try {
    run();
  } catch (error) {
    if (EtalonError.is(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
