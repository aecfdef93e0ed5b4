import { readFileSync } from "node:fs";
import { EtalonError } from "@etalon/errors";

/** The values of a JSONL file; a last line that a kill cut short is left out. @throws EtalonError BAD_FILE: a line before it that is no JSON */
export function readLines<T>(file: string): T[] {
  const lines = readFileSync(file, "utf8").split("\n");
  const whole = lines.slice(0, -1); // what follows the last line break is empty, or cut
  return whole.map((line, i) => {
    try {
      return JSON.parse(line) as T;
    } catch (cause) {
      throw new EtalonError(
        "BAD_FILE",
        { argument: `line ${i + 1}`, value: file, allowed: "a JSON document a line" },
        { cause },
      );
    }
  });
}
