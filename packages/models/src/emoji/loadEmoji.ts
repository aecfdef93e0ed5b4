import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { words } from "../tiny/words.ts";
import { dominantColours } from "./colours.ts";
import { cacheFolder, fetchPackage } from "./fetchPackage.ts";

/** One emoji picture with what is known about it; every text is lower-case words. */
export interface EmojiEntry {
  /** The name that people use: "red heart", "dog face". */
  name: string;
  /** Other names. */
  aliases: string[];
  category: string;
  subcategory: string;
  keywords: string[];
  colours: string[];
  /** The skin tone of a variant, as "medium skin"; empty for a base emoji. */
  tone: string;
}

/** The emoji pictures, 32×32 RGB on white. */
export interface EmojiData {
  entries: EmojiEntry[];
  /** float32 [entries, 32, 32, 3] in [−1, 1]. */
  images: Float32Array;
}

interface SourceEntry {
  unified: string;
  name: string;
  image: string;
  short_name: string;
  short_names: string[];
  category: string;
  subcategory: string;
  has_img_twitter: boolean;
  skin_variations?: Record<string, { unified: string; image: string; has_img_twitter: boolean }>;
}

const tones: Readonly<Record<string, string>> = {
  "1F3FB": "light skin",
  "1F3FC": "medium-light skin",
  "1F3FD": "medium skin",
  "1F3FE": "medium-dark skin",
  "1F3FF": "dark skin",
};

/** The packages the pictures and words come from; their licences stand in the model card. */
export const emojiSources = { pictures: "emoji-datasource-twitter@16.0.0", keywords: "emojilib@4.0.3" } as const;

const side = 32;
const pixels = side * side * 3;

/**
 * Loads the Twemoji pictures with their names, keywords and colours. The data (60 MB) is fetched into the cache the first time.
 */
export async function loadEmoji({ cache = cacheFolder() }: { cache?: string } = {}): Promise<EmojiData> {
  const pictures = await fetchPackage(emojiSources.pictures, cache);
  const library = await fetchPackage(emojiSources.keywords, cache);
  const source = JSON.parse(readFileSync(join(pictures, "emoji.json"), "utf8")) as SourceEntry[];
  const keywords = keywordTable(library);
  const listed = source
    .filter(({ category, has_img_twitter }) => category !== "Component" && has_img_twitter)
    .flatMap((entry) => variants(entry, keywords))
    .filter(({ file }) => existsSync(join(pictures, "img/twitter/64", file)));
  const images = new Float32Array(listed.length * pixels);
  const entries: EmojiEntry[] = [];
  for (const [i, { file, entry }] of listed.entries()) {
    const { values, colours } = await readPicture(join(pictures, "img/twitter/64", file));
    images.set(values, i * pixels);
    entries.push({ ...entry, colours });
  }
  return { entries, images };
}

/** emojilib's words by the emoji's characters without the variation selector; its first word is the name. */
function keywordTable(library: string): Map<string, string[]> {
  const json = JSON.parse(readFileSync(join(library, "dist/emoji-en-US.json"), "utf8")) as Record<string, string[]>;
  return new Map(Object.entries(json).map(([emoji, list]) => [emoji.replaceAll("\uFE0F", ""), list]));
}

function variants(source: SourceEntry, keywords: Map<string, string[]>): { file: string; entry: EmojiEntry }[] {
  const [named, ...rest] = keywords.get(characters(source.unified)) ?? [source.short_name];
  const text = (value: string) => words(value.replaceAll("_", " ")).join(" ");
  const name = text(named);
  const aliases = [source.name, ...source.short_names]
    .map(text)
    .filter((alias, i, all) => alias !== name && all.indexOf(alias) === i);
  const base = {
    name,
    aliases,
    category: text(source.category.replace("&", " ")),
    subcategory: source.subcategory.split("-").map(text).join(" "),
    keywords: rest.map(text).filter(Boolean),
    colours: [],
  };
  const skins = Object.entries(source.skin_variations ?? {}).filter(
    ([tone, { has_img_twitter }]) => tone in tones && has_img_twitter,
  );
  return [
    { file: source.image, entry: { ...base, tone: "" } },
    ...skins.map(([tone, { image }]) => ({ file: image, entry: { ...base, tone: tones[tone] } })),
  ];
}

const characters = (unified: string): string =>
  String.fromCodePoint(...unified.split("-").map((code) => Number.parseInt(code, 16))).replaceAll("\uFE0F", "");

async function readPicture(file: string): Promise<{ values: Float32Array; colours: string[] }> {
  const picture = sharp(file).toColourspace("srgb");
  const rgba = await picture.clone().ensureAlpha().raw().toBuffer();
  const rgb = await picture
    .flatten({ background: "#fff" })
    .removeAlpha()
    .resize(side, side, { kernel: "lanczos3" })
    .raw()
    .toBuffer();
  return { values: new Float32Array(rgb).map((value) => value / 127.5 - 1), colours: dominantColours(rgba) };
}
