import { thrown } from "@etalon/testkit";
import sharp from "sharp";
import { expect, test } from "vitest";
import { encodePng } from "./png.ts";
import { pngText } from "./pngText.ts";

const batch = { data: Uint8Array.from({ length: 60 }, (_, i) => 4 * i), count: 1, width: 5, height: 4 };

test("a text added is read again, by another reader too, and no pixel moves", async () => {
  const plain = await encodePng(batch, 0);
  const png = pngText.add(pngText.add(plain, "etalon", '{"a": 1}'), "Comment", "é");
  expect(pngText.read(png)).toEqual(new Map([["Comment", "é"], ["etalon", '{"a": 1}']])); // biome-ignore format: one thought
  expect(await sharp(png).raw().toBuffer()).toEqual(Buffer.from(batch.data));
  expect((await sharp(png).metadata()).comments).toContainEqual(expect.objectContaining({ text: '{"a": 1}' }));
  expect(pngText.read(plain)).toEqual(new Map());
});

test("refuses what is no whole PNG, and what cannot stand in one", async () => {
  const png = pngText.add(await encodePng(batch, 0), "etalon", "{}");
  expect(await thrown(() => pngText.read(Buffer.from("JFIF"), "a.png"))).toBe("BAD_FILE: a.png: no PNG's beginning; allowed: a whole PNG."); // biome-ignore format: one thought
  expect(await thrown(() => pngText.read(png.subarray(0, -3), "a.png"))).toBe("BAD_FILE: a.png: cut short; allowed: a whole PNG."); // biome-ignore format: one thought
  const damaged = Buffer.from(png);
  damaged[png.indexOf("{}")] ^= 1;
  expect(await thrown(() => pngText.read(damaged, "a.png"))).toContain("a.png: a damaged tEXt chunk");
  expect(await thrown(() => pngText.add(png, "", "x"))).toContain('keyword is ""; allowed: 1 to 79 signs.');
  expect(await thrown(() => pngText.add(png, "a", "→"))).toContain("allowed: Latin-1 signs, none of them zero.");
});
