import type { Random } from "@etalon/models";
import { type EmojiEntry, richCaption, shortCaption } from "@etalon/models/emoji";

/** A caption for one training step: never empty, and one that can tell its picture from most others. */
export function contrastiveCaption(entry: EmojiEntry, random: Random): string {
  const { name, aliases, tone, colours, subcategory, keywords } = entry;
  const draw = random.uniform();
  if (draw < 0.3) return shortCaption(entry);
  if (draw < 0.4) return join(aliases.length > 0 ? random.pick(aliases) : name, tone);
  if (draw < 0.55) return join(colours[0] ?? "", name, tone);
  if (draw < 0.65) return join(name, tone, subcategory);
  if (draw < 0.85 || keywords.length === 0) return richCaption(entry);
  return join(...random.shuffle(keywords).slice(0, 2 + random.below(4)), tone, ...colours.slice(0, random.below(3)));
}

const join = (...parts: string[]): string => parts.filter(Boolean).join(" ");
