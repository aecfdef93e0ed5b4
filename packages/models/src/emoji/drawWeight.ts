import type { EmojiEntry } from "./loadEmoji.ts";

/**
 * How often an emoji is drawn in training, relative to a base emoji's 1; a skin-tone variant's is 0.15.
 * @param focused  draws less of the kinds that are many and seldom asked for: flags, people by role and family, letters and signs, skin tones
 */
export function drawWeight({ tone, category, subcategory }: EmojiEntry, focused: boolean): number {
  if (!focused) return tone ? 0.15 : 1;
  if (tone) return 0.05;
  if (category === "flags") return 0.25;
  if (subcategory.startsWith("person") || subcategory === "family") return 0.3;
  return ["alphanum", "keycap", "zodiac", "religion", "transport sign"].includes(subcategory) ? 0.3 : 1;
}
