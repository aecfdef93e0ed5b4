import { EtalonError } from "@etalon/errors";

/** A file that is not what it should be: which file, what was found, what is allowed. */
export function badFile(file: string, value: string, allowed: string): EtalonError {
  return new EtalonError(
    "BAD_FILE",
    { argument: file, value, allowed },
    { message: `${file}: ${value}; allowed: ${allowed}.` },
  );
}
