import { EtalonError } from "@etalon/errors";

/** The code and message of the EtalonError that a call throws or rejects with, as `CODE: message`; whatever else it throws, as text; "nothing" where it does not. */
export async function thrown(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    return EtalonError.is(error) ? `${error.code}: ${error.message}` : `${error}`;
  }
  return "nothing";
}
