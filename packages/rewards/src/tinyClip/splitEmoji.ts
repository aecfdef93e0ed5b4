import type { Random } from "@etalon/models";
import type { EmojiEntry } from "@etalon/models/emoji";

/** Which emoji are trained on, by index. */
export interface Split {
  /** All that are trained on. */
  seen: number[];
  /** Base emoji held out, and those trained on, in a random order; no skin-tone variants. */
  heldOutBase: number[];
  seenBase: number[];
}

/** Holds out `count` emoji by name: all pictures of a name, its skin tones too, lie on one side. */
export function splitEmoji(entries: readonly EmojiEntry[], count: number, random: Random): Split {
  const names = random.shuffle([...new Set(entries.map(({ name }) => name))]);
  const held = new Set(names.slice(0, count));
  const place = new Map(names.map((name, i) => [name, i]));
  const all = entries.map((_, i) => i);
  const base = all
    .filter((i) => entries[i].tone === "")
    .sort((a, b) => (place.get(entries[a].name) as number) - (place.get(entries[b].name) as number));
  return {
    seen: all.filter((i) => !held.has(entries[i].name)),
    heldOutBase: base.filter((i) => held.has(entries[i].name)),
    seenBase: base.filter((i) => !held.has(entries[i].name)),
  };
}
