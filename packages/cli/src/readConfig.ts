import { existsSync, readFileSync } from "node:fs";
import { EtalonError } from "@etalon/errors";

/** A config file's JSON. @throws EtalonError NOT_FOUND, BAD_CONFIG: no JSON, with the parser's words */
export function readConfig(file: string): unknown {
  if (!existsSync(file))
    throw new EtalonError("NOT_FOUND", { argument: "config", value: file, allowed: "a JSON file" });
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new EtalonError(
      "BAD_CONFIG",
      { argument: "config", value: file, allowed: "JSON", hint: `${why}.` },
      { cause },
    );
  }
}
