import { existsSync, readFileSync, statSync } from "node:fs";
import { EtalonError } from "@etalon/errors";

/**
 * A config file's JSON; "-" is stdin. Without what editors put there: a byte order mark, and "$schema".
 * @throws EtalonError NOT_FOUND: no such file, or a folder; BAD_CONFIG: no JSON, with the parser's words
 */
export function readConfig(file: string): unknown {
  const json = parse(file);
  if (typeof json !== "object" || json === null || Array.isArray(json)) return json;
  const { $schema: _, ...config } = json as Record<string, unknown>;
  return config;
}

function parse(file: string): unknown {
  if (file !== "-" && !(existsSync(file) && !statSync(file).isDirectory())) {
    const hint = existsSync(file) ? `It is a folder; a run in it goes on by --resume -o ${file}.` : undefined;
    throw new EtalonError("NOT_FOUND", { argument: "config", value: file, allowed: "a JSON file", hint });
  }
  try {
    return JSON.parse(readFileSync(file === "-" ? 0 : file, "utf8").replace(/^\uFEFF/, ""));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new EtalonError(
      "BAD_CONFIG",
      { argument: "config", value: file, allowed: "JSON", hint: `${why}.` },
      { cause },
    );
  }
}
