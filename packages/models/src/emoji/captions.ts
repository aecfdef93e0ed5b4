import type { Random } from "../random.ts";
import { words } from "../tiny/words.ts";
import type { EmojiEntry } from "./loadEmoji.ts";

/** The short caption of an emoji: its name, and the skin tone of a variant. */
export const shortCaption = ({ name, tone }: EmojiEntry): string => join(name, tone);

/** The rich caption: name, two colours, subcategory, category and keywords, up to `length` words. */
export function richCaption({ name, tone, colours, subcategory, category, keywords }: EmojiEntry, length = 12): string {
  const all = [...words(name).slice(0, 4), tone, ...colours.slice(0, 2), subcategory, category, ...keywords];
  return [...new Set(words(all.join(" ")))].slice(0, length).join(" ");
}

/** A caption for one training step: the mix of names, colours, categories and keywords that the model is to understand; one in ten is empty. */
export function trainingCaption(entry: EmojiEntry, random: Random): string {
  const { name, aliases, tone, colours, subcategory, category, keywords } = entry;
  const draw = random.uniform();
  if (draw < 0.1) return "";
  if (draw < 0.35) return shortCaption(entry);
  if (draw < 0.42) return join(random.pick(aliases.length > 0 ? aliases : [name]), tone);
  if (draw < 0.54) return join(name, tone, subcategory);
  if (draw < 0.66) return join(random.pick(colours) ?? "", name, tone);
  if (draw < 0.74) return join(subcategory, ...colours, category);
  if (draw < 0.88) return richCaption(entry);
  return join(
    ...random.shuffle(keywords).slice(0, 1 + random.below(5)),
    ...random.shuffle(colours).slice(0, random.below(2)),
  );
}

const join = (...parts: string[]): string => parts.filter(Boolean).join(" ");
