import { createHash } from "node:crypto";
import type { Prompt } from "./Prompt.ts";

/**
 * Whether a prompt is kept out of training: as its file says, else by a hash of its text, so that it stays on its side when prompts are added, taken out or put into
 * another order.
 * @param share  of the prompts that no file decides on, 0 to 1; about that many are held out
 */
export function isHeldOut({ text, heldOut }: Pick<Prompt, "text" | "heldOut">, share: number): boolean {
  if (heldOut !== undefined) return heldOut;
  return createHash("sha256").update(text.normalize("NFC")).digest().readUIntBE(0, 6) < share * 2 ** 48;
}
