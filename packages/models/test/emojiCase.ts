import type { EmojiData } from "../src/emoji/loadEmoji.ts";

/** Three one-coloured "emoji", in place of the real ones that tests do not fetch. */
export function coloursAsEmoji(): EmojiData {
  const colours = { red: [1, -1, -1], green: [-1, 1, -1], blue: [-1, -1, 1] };
  const entries = Object.keys(colours).map((name) => ({
    name: `${name} square`,
    aliases: [],
    category: "symbols",
    subcategory: "geometric",
    keywords: ["shape"],
    colours: [name],
    tone: "",
  }));
  const images = Float32Array.from(
    Object.values(colours).flatMap((rgb) =>
      Array<number[]>(32 * 32)
        .fill(rgb)
        .flat(),
    ),
  );
  return { entries, images };
}
