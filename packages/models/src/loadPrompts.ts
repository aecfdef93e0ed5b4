import { readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { EtalonError, nearest } from "@etalon/errors";

const folder = fileURLToPath(new URL("../assets/prompts", import.meta.url));

/** The prompt lists that the package carries. */
export const promptLists = (): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".txt"))
    .map((file) => file.slice(0, -4))
    .sort();

/**
 * Prompts by the name of a list, or from a text file, one a line; empty lines and lines that begin with # are left out.
 * @throws EtalonError NOT_FOUND: neither list nor file; BAD_FILE: no prompt in it
 */
export function loadPrompts(nameOrFile: string): string[] {
  const file = promptLists().includes(nameOrFile) ? `${folder}/${nameOrFile}.txt` : nameOrFile;
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) {
    const near = nearest(nameOrFile, promptLists());
    throw new EtalonError("NOT_FOUND", {
      argument: "prompts",
      value: nameOrFile,
      allowed: `${promptLists().join(", ")}, or a text file`,
      hint: near === undefined ? undefined : `Did you mean ${JSON.stringify(near)}?`,
    });
  }
  const prompts = readFileSync(file, "utf8")
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (prompts.length === 0)
    throw new EtalonError("BAD_FILE", {
      argument: "prompts",
      value: nameOrFile,
      allowed: "a file with at least one prompt",
    });
  return prompts;
}
