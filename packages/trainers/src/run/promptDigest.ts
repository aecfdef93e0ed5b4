import { createHash } from "node:crypto";
import type { PromptPart } from "@etalon/models";

/** What tells one list of prompts from another: texts, their order, weights. It is saved with a run, whose order of prompts is a function of (lists, seed, epoch). */
export const promptDigest = (prompts: readonly string[] | readonly PromptPart[]): string =>
  createHash("sha256").update(JSON.stringify(prompts)).digest("hex").slice(0, 16);
