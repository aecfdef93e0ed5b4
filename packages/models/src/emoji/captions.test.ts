import { expect, test } from "vitest";
import { Random } from "../random.ts";
import { richCaption, shortCaption, trainingCaption } from "./captions.ts";
import { dominantColours } from "./colours.ts";
import { drawWeight } from "./drawWeight.ts";
import { vocabulary } from "./vocabulary.ts";

const heart = {
  name: "red heart",
  aliases: ["heart"],
  category: "smileys emotion",
  subcategory: "heart",
  keywords: ["love", "like", "valentines"],
  colours: ["red", "white", "pink"],
  tone: "",
};
const flag = { ...heart, name: "flag chad", category: "flags", subcategory: "country flag", keywords: ["love", "td"] };

test("short is the name, rich adds two colours, kind and keywords, each word once", () => {
  expect(shortCaption(heart)).toBe("red heart");
  expect(shortCaption({ ...heart, tone: "dark skin" })).toBe("red heart dark skin");
  expect(richCaption(heart)).toBe("red heart white smileys emotion love like valentines");
  expect(richCaption(heart, 4)).toBe("red heart white smileys");
});

test("one training caption in ten is empty, and the rest tell of the emoji, in many ways", () => {
  const random = new Random(1);
  const captions = Array.from({ length: 4000 }, () => trainingCaption(heart, random));
  const empty = captions.filter((caption) => caption === "").length / captions.length;
  expect(Math.abs(empty - 0.1)).toBeLessThan(4 * Math.sqrt(0.09 / captions.length));
  const known = new Set(richCaption(heart).split(" ").concat("pink"));
  expect(captions.every((caption) => caption.split(" ").every((word) => word === "" || known.has(word)))).toBe(true);
  expect(new Set(captions).size).toBeGreaterThan(15);
});

test("the vocabulary has all names and kinds, and keywords that two share", () => {
  const words = vocabulary([heart, flag]);
  expect(words).toEqual([...words].sort());
  expect(words).toEqual(expect.arrayContaining(["chad", "country", "love", "pink", "red", "smileys"]));
  expect(words).not.toContain("td");
});

test("names the colours that cover more than 12 % of the opaque pixels, most first", () => {
  const pixels = (count: number, rgba: number[]) => Array<number[]>(count).fill(rgba).flat();
  const [red, blue, clear] = [
    [221, 46, 68, 255],
    [85, 172, 238, 255],
    [0, 0, 0, 0],
  ];
  const picture = [...pixels(30, blue), ...pixels(60, red), ...pixels(500, clear), ...pixels(10, [119, 178, 85, 255])];
  expect(dominantColours(Uint8Array.from(picture))).toEqual(["red", "blue"]);
  expect(dominantColours(Uint8Array.from(clear))).toEqual([]);
});

test("focused draws favour the listed prompts and leave skin tones and flags behind", () => {
  const [listed, other, far] = [heart, { ...heart, name: "heart knot" }, flag];
  expect([listed, other, far, { ...heart, tone: "dark skin" }].map((entry) => drawWeight(entry, 5))).toEqual([
    5, 1, 0.2, 0.03,
  ]);
});
