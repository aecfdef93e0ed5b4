import { createHash } from "node:crypto";

/** What tells one list of prompts from another: texts and their order. It is saved with a run, whose order of prompts is a function of (list, seed, epoch). */
export const promptDigest = (prompts: readonly string[]): string =>
  createHash("sha256").update(JSON.stringify(prompts)).digest("hex").slice(0, 16);
