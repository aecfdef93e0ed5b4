import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { emojiSources, loadEmoji } from "./loadEmoji.ts";

const cache = mkdtempSync(join(tmpdir(), "etalon-"));
const folder = (spec: string) => join(cache, "npm", spec);

/** A cache with packages of the real ones' layout and three pictures. */
beforeAll(async () => {
  const pictures = folder(emojiSources.pictures);
  mkdirSync(join(pictures, "img/twitter/64"), { recursive: true });
  mkdirSync(join(folder(emojiSources.keywords), "dist"), { recursive: true });
  const base = { has_img_twitter: true, category: "Smileys & Emotion", subcategory: "heart" };
  const hand = {
    unified: "1F44B",
    name: "WAVING HAND SIGN",
    short_name: "wave",
    short_names: ["wave"],
    image: "b.png",
  };
  const skin = { unified: "1F44B-1F3FD", image: "c.png", has_img_twitter: true };
  const source = [
    {
      ...base,
      unified: "2764-FE0F",
      name: "HEAVY BLACK HEART",
      short_name: "heart",
      short_names: ["heart"],
      image: "a.png",
    },
    {
      ...base,
      ...hand,
      category: "People & Body",
      subcategory: "hand-fingers-open",
      skin_variations: { "1F3FD": skin },
    },
    { ...base, ...hand, category: "Component" },
    { ...base, ...hand, image: "lost.png" },
  ];
  writeFileSync(join(pictures, "emoji.json"), JSON.stringify(source));
  const words = { "❤️": ["red heart", "love", "like"] };
  writeFileSync(join(folder(emojiSources.keywords), "dist/emoji-en-US.json"), JSON.stringify(words));
  for (const [name, alpha] of [
    ["a", 1],
    ["b", 1],
    ["c", 0],
  ] as const) {
    const background = { r: 221, g: 46, b: 68, alpha };
    await sharp({ create: { width: 64, height: 64, channels: 4, background } })
      .png()
      .toFile(join(pictures, `img/twitter/64/${name}.png`));
  }
});
afterAll(() => rmSync(cache, { recursive: true }));

test("joins pictures with names, keywords, colours and skin tones, and leaves out what has no picture", async () => {
  const { entries } = await loadEmoji({ cache });
  const heart = {
    name: "red heart",
    aliases: ["heavy black heart", "heart"],
    keywords: ["love", "like"],
    colours: ["red"],
  };
  const hand = {
    name: "wave",
    aliases: ["waving hand sign"],
    keywords: [],
    category: "people body",
    subcategory: "hand fingers open",
  };
  expect(entries).toEqual([
    { ...heart, category: "smileys emotion", subcategory: "heart", tone: "" },
    { ...hand, colours: ["red"], tone: "" },
    { ...hand, colours: [], tone: "medium skin" },
  ]);
});

test("gives pictures of 32×32 in [−1, 1] on white", async () => {
  const { images } = await loadEmoji({ cache });
  expect(images).toHaveLength(3 * 32 * 32 * 3);
  expect([...images.subarray(0, 3)]).toEqual([...Float32Array.of(221 / 127.5 - 1, 46 / 127.5 - 1, 68 / 127.5 - 1)]);
  expect([...images.subarray(-3)]).toEqual([1, 1, 1]);
});
