import { existsSync, readFileSync } from "node:fs";
import { EtalonError } from "@etalon/errors";

/** A JSON object from a file. @throws EtalonError NOT_FOUND, BAD_FILE */
export function readJson(file: string): Record<string, unknown> {
  if (!existsSync(file)) throw new EtalonError("NOT_FOUND", { argument: "file", value: file, allowed: "a file that is there" }); // biome-ignore format: one thought
  try {
    const json: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
  } catch {
    // the same error as for JSON of another kind
  }
  throw new EtalonError("BAD_FILE", { argument: "file", value: file, allowed: "a JSON object" });
}
