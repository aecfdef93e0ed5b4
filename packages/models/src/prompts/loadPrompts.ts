import { statSync } from "node:fs";
import { check, EtalonError, nearest } from "@etalon/errors";
import { builtInPrompts, promptLists } from "./builtInPrompts.ts";
import { isHeldOut } from "./isHeldOut.ts";
import type { Prompt } from "./Prompt.ts";
import { readPrompts } from "./readPrompts.ts";

/** Of prompts that no file decides on, the share that `#held-out` takes where it names none. */
const usualShare = 0.2;

/**
 * The texts of a list that the package carries, or of a file (`readPrompts` tells its forms), in their order.
 * `LIST#held-out` and `LIST#in-domain` are the two sides of a split: as the file says, else a fifth by a hash of the text; `LIST#held-out=0.1` holds a tenth out.
 * @throws EtalonError NOT_FOUND: neither list nor file; BAD_FILE: a line that is no prompt, or no prompt at all
 */
export const loadPrompts = (nameOrFile: string): string[] => findPrompts(nameOrFile).map(({ text }) => text);

/** As `loadPrompts`, with all that a file says of each. @param argument  what errors call the name */
export function findPrompts(nameOrFile: string, argument = "prompts"): Prompt[] {
  const [, list, side, share] = /^(.+)#(in-domain|held-out)(?:=(.+))?$/s.exec(nameOrFile) ?? [];
  if (list === undefined || isFile(nameOrFile)) return findAll(nameOrFile, argument);
  const part = share === undefined ? usualShare : Number(share);
  check.range("the share held out", part, { min: 0, max: 1 });
  const prompts = findAll(list, argument).filter((prompt) => isHeldOut(prompt, part) === (side === "held-out"));
  if (prompts.length > 0) return prompts;
  throw new EtalonError("BAD_FILE", { argument, value: nameOrFile, allowed: `a list with ${side} prompts` });
}

function findAll(nameOrFile: string, argument: string): Prompt[] {
  const lists = promptLists();
  if (lists.includes(nameOrFile)) return builtInPrompts(nameOrFile).map((text, i) => ({ text, line: i + 1 }));
  if (isFile(nameOrFile)) return readPrompts(nameOrFile);
  const near = nearest(nameOrFile, lists);
  throw new EtalonError("NOT_FOUND", {
    argument,
    value: nameOrFile,
    allowed: `${lists.join(", ")}, or a .txt, .jsonl or .csv file`,
    hint: near === undefined ? undefined : `Did you mean ${JSON.stringify(near)}?`,
  });
}

const isFile = (place: string): boolean => statSync(place, { throwIfNoEntry: false })?.isFile() === true;
