import { describe, expect, test } from "vitest";
import { defineReward, type ImageBatch, type Reward, scoreChecked } from "./index.ts";

const images: ImageBatch = { data: new Uint8Array(3 * 2 * 2 * 3), count: 3, width: 2, height: 2 };
const prompts = ["a", "b", "c"];

describe("scoreChecked", () => {
  test("lets one finite number an image through, also from a plain array and a promise", async () => {
    expect(
      await scoreChecked(
        defineReward("r", () => [1, -2, 0]),
        images,
        prompts,
      ),
    ).toEqual(Float32Array.of(1, -2, 0));
    const later = defineReward("r", async ({ count }) => new Float64Array(count).fill(0.5));
    expect(await scoreChecked(later, images, prompts)).toEqual(Float32Array.of(0.5, 0.5, 0.5));
    const handMade = { name: "r", score: () => [1, 2, 3] as unknown as Float32Array };
    expect(await scoreChecked(handMade, images, prompts)).toEqual(Float32Array.of(1, 2, 3));
  });

  test("gives the reward the images and the prompts", async () => {
    const reward = defineReward("length", (batch, texts) => texts.map((text) => text.length + batch.width));
    expect(await scoreChecked(reward, images, ["", "ab", "abc"])).toEqual(Float32Array.of(2, 4, 5));
  });

  test.each<[string, Reward, string]>([
    [
      "NaN",
      defineReward("r", () => [1, Number.NaN, 2]),
      "reward r, image 1 is NaN; allowed: one finite number an image.",
    ],
    [
      "too large for float32",
      defineReward("r", () => [1, 2, 1e39]),
      "reward r, image 2 is Infinity; allowed: one finite number an image.",
    ],
    [
      "too few",
      defineReward("r", () => [1]),
      "reward r gave 1 scores for 3 images; allowed: one finite number an image.",
    ],
    [
      "a number",
      defineReward("r", () => 1 as unknown as number[]),
      "r is 1; allowed: an array with one number an image.",
    ],
    [
      "texts",
      { name: "r", score: () => [1, "2", 3] as unknown as Float32Array },
      'reward r, image 1 is "2"; allowed: one finite number an image.',
    ],
    [
      "a text",
      { name: "r", score: () => "123" as unknown as Float32Array },
      'reward r is "123"; allowed: one finite number an image.',
    ],
    [
      "nothing",
      { name: "r", score: () => undefined as unknown as Float32Array },
      "reward r is undefined; allowed: one finite number an image.",
    ],
    [
      "a throw",
      defineReward("r", () => {
        throw new TypeError("no red");
      }),
      "reward r threw: TypeError: no red",
    ],
    ["a rejection", defineReward("r", () => Promise.reject("no red")), "reward r threw: no red"],
  ])("refuses %s", async (_, reward, message) => {
    await expect(scoreChecked(reward, images, prompts)).rejects.toMatchObject({ code: "BAD_REWARD", message });
  });

  test("keeps what the reward threw as the cause", async () => {
    const cause = new Error("lost");
    const reward = defineReward("r", () => Promise.reject(cause));
    await expect(scoreChecked(reward, images, prompts)).rejects.toMatchObject({ cause });
  });

  test.each([
    [{ ...images, data: new Uint8Array(35) }, "images.data is Uint8Array of length 35; allowed: 36 items."],
    [{ ...images, width: 0 }, "images.width is 0; allowed: a whole number ≥ 1."],
    [
      { ...images, count: 2, data: new Uint8Array(24) },
      'prompts is ["a","b","c"]; allowed: 2 items. One prompt an image.',
    ],
  ])("refuses images and prompts that do not fit: %#", async (bad, message) => {
    await expect(
      scoreChecked(
        defineReward("r", () => [1, 2, 3]),
        bad,
        prompts,
      ),
    ).rejects.toThrow(message);
  });
});

test("defineReward refuses an empty name and what is no function", () => {
  expect(() => defineReward(" ", () => [])).toThrow('name is " "; allowed: a text that is not empty.');
  expect(() => defineReward("r", 3 as never)).toThrow("fn is 3; allowed: a function.");
});
