import { Random } from "@etalon/models";
import type { EmojiEntry } from "@etalon/models/emoji";
import { describe, expect, test } from "vitest";
import { augment } from "./augment.ts";
import { contrastiveCaption } from "./captions.ts";
import { splitEmoji } from "./splitEmoji.ts";

const entry = (name: string, tone = ""): EmojiEntry => ({
  name,
  tone,
  aliases: [],
  category: "people",
  subcategory: "hand",
  keywords: ["wave", "hello"],
  colours: ["yellow"],
});

test("splitEmoji holds out whole names, and repeats with its seed", () => {
  const entries = Array.from({ length: 30 }, (_, i) => [entry(`e${i}`), entry(`e${i}`, "dark skin")]).flat();
  const split = splitEmoji(entries, 5, new Random(7));
  const nameOf = (i: number) => entries[i].name;
  const held = new Set(split.heldOutBase.map(nameOf));
  expect([held.size, split.heldOutBase.length, split.seenBase.length, split.seen.length]).toEqual([5, 5, 25, 50]);
  expect(split.seen.some((i) => held.has(nameOf(i)))).toBe(false);
  expect(splitEmoji(entries, 5, new Random(7))).toEqual(split);
  expect(splitEmoji(entries, 5, new Random(8)).heldOutBase).not.toEqual(split.heldOutBase);
});

test("contrastiveCaption is never empty", () => {
  const random = new Random(1);
  const bare = { ...entry("hand"), keywords: [], colours: [] };
  for (let i = 0; i < 300; i++) {
    expect(contrastiveCaption(entry("hand", "dark skin"), random).trim()).not.toBe("");
    expect(contrastiveCaption(bare, random)).toContain("hand");
  }
});

describe("augment", () => {
  const side = 4;
  const image = Float32Array.from({ length: side * side * 3 }, (_, i) => -i / 48);

  test("without shift and noise copies", () => {
    const out = new Float32Array(image.length);
    augment(image, out, side, new Random(1), { shift: 0, noise: 0 });
    expect(out).toEqual(image);
  });

  test("moves every pixel by the same vector, and fills with white", () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 200; seed++) {
      const out = new Float32Array(image.length);
      augment(image, out, side, new Random(seed), { shift: 1, noise: 0 });
      const moved = [-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx) => [dx, dy] as const));
      const fits = moved.filter(([dx, dy]) => same(out, shifted(dx, dy)));
      expect(fits.length).toBe(1);
      seen.add(String(fits[0]));
    }
    expect(seen.size).toBe(9);
  });

  test("adds noise to about half of the pictures", () => {
    const noisy = Array.from({ length: 200 }, (_, seed) => {
      const out = new Float32Array(image.length);
      augment(image, out, side, new Random(seed), { shift: 0, noise: 0.3 });
      return same(out, image) ? 0 : 1;
    }).reduce<number>((sum, one) => sum + one, 0);
    expect(noisy).toBeGreaterThan(70);
    expect(noisy).toBeLessThan(130);
  });

  function shifted(dx: number, dy: number): Float32Array {
    const out = new Float32Array(image.length).fill(1);
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const [fromX, fromY] = [x - dx, y - dy];
        if (fromX < 0 || fromY < 0 || fromX >= side || fromY >= side) continue;
        for (let c = 0; c < 3; c++) out[(y * side + x) * 3 + c] = image[(fromY * side + fromX) * 3 + c];
      }
    }
    return out;
  }
  const same = (a: Float32Array, b: Float32Array) => a.every((value, i) => value === b[i]);
});
