import { loadPrompts } from "../prompts/loadPrompts.ts";
import { words } from "../tiny/words.ts";
import type { EmojiEntry } from "./loadEmoji.ts";

let lists: ReadonlySet<string> | undefined;

/**
 * How often an emoji is drawn in training. What people ask for counts 1: faces, animals, plants, food; things with short names 0.6. Flags, people by role and family,
 * letters, signs and skin tones are drawn less.
 * @param listed  the weight of an emoji of the prompt lists that the package carries
 */
export function drawWeight({ name, tone, category, subcategory }: EmojiEntry, listed: number): number {
  if (tone) return 0.03;
  lists ??= new Set([...loadPrompts("tiny-train"), ...loadPrompts("tiny-heldout")]);
  if (lists.has(name)) return listed;
  if (["smileys emotion", "animals nature", "food drink"].includes(category)) return 1;
  const many = category === "flags" || subcategory.startsWith("person") || subcategory === "family";
  if (many || ["alphanum", "keycap", "zodiac", "religion", "transport sign"].includes(subcategory)) return 0.2;
  return words(name).length <= 2 ? 0.6 : 0.3;
}
