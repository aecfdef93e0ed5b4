import { words } from "../tiny/words.ts";
import type { EmojiEntry } from "./loadEmoji.ts";

/** The words of a model trained on these emoji, sorted: every word of names, tones, categories and colours, and each keyword's that two emoji share. */
export function vocabulary(entries: readonly EmojiEntry[]): string[] {
  const sure = new Set(
    entries.flatMap(({ name, aliases, tone, category, subcategory, colours }) =>
      words([name, ...aliases, tone, category, subcategory, ...colours].join(" ")),
    ),
  );
  const seen = new Map<string, number>();
  for (const { keywords, tone } of entries) {
    if (tone) continue;
    for (const word of new Set(words(keywords.join(" ")))) seen.set(word, (seen.get(word) ?? 0) + 1);
  }
  const shared = [...seen].filter(([, n]) => n >= 2).map(([word]) => word);
  return [...new Set([...sure, ...shared])].sort();
}
