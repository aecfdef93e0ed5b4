import { Random } from "@etalon/models";
import { expect, test } from "vitest";
import { samplePrompts } from "./samplePrompts.ts";

const letters = ["a", "b", "c", "d", "e"];

test("every prompt comes equally often, in an order of its own each pass; an epoch's prompts depend on no other epoch", () => {
  const drawn = Array.from({ length: 10 }, (_, epoch) => samplePrompts(letters, 3, epoch, 4)).flat();
  for (let pass = 0; pass < 8; pass++) {
    const some = drawn.slice(pass * 5, pass * 5 + 5);
    expect([...some].sort()).toEqual(letters);
    expect(some).toEqual(new Random(3, pass).shuffle(letters));
  }
  expect(new Set(drawn.join("").match(/.{5}/g)).size).toBeGreaterThan(4);
});

test("a mixture gives each list its share, to within one at any moment, and each list's prompts equally often", () => {
  const parts = [
    { weight: 3, prompts: letters },
    { weight: 1, prompts: ["x", "y"] },
    { weight: 0.5, prompts: ["z"] },
  ];
  const drawn = Array.from({ length: 30 }, (_, epoch) => samplePrompts(parts, 1, epoch, 6)).flat();
  for (let n = 1; n <= drawn.length; n++) {
    const some = drawn.slice(0, n);
    for (const { weight, prompts } of parts)
      expect(Math.abs(some.filter((text) => prompts.includes(text)).length - (n * weight) / 4.5)).toBeLessThan(1);
  }
  const count = (text: string) => drawn.filter((other) => other === text).length;
  expect([count("x"), count("y"), count("z")]).toEqual([20, 20, 20]);
  for (const letter of letters) expect(count(letter)).toBe(24);
});

test("one list is drawn as a mixture of one, whatever its weight", () => {
  expect(samplePrompts([{ weight: 7, prompts: letters }], 5, 3, 4)).toEqual(samplePrompts(letters, 5, 3, 4));
});
