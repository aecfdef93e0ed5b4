import "@etalon/testkit";
import { describe, expect, test } from "vitest";
import { brightness, colourfulness, type ImageBatch, scoreChecked } from "../index.ts";

/** Images of 2×1 pixels. */
const pictures = (...pixels: number[][]): ImageBatch => ({
  data: Uint8Array.from(pixels.flat()),
  count: pixels.length,
  width: 2,
  height: 1,
});
const black = [0, 0, 0, 0, 0, 0];
const white = [255, 255, 255, 255, 255, 255];
const redAndCyan = [255, 0, 0, 0, 255, 255];

describe("brightness", () => {
  test("goes from 0 to 1, and weighs the channels by Rec. 601", async () => {
    const scores = await scoreChecked(brightness(), pictures(black, white, [255, 0, 0, 0, 0, 0]), ["", "", ""]);
    expect(scores).toBeAllclose([0, 1, 0.299 / 2], { atol: 1e-7 });
  });
});

describe("colourfulness", () => {
  test("is 0 for greys, and by the paper's formula elsewhere", async () => {
    const scores = await scoreChecked(colourfulness(), pictures(black, white, redAndCyan), ["", "", ""]);
    // red: rg 255, yb 127.5; cyan: rg −255, yb −127.5: means 0, deviations 255 and 127.5
    expect(scores).toBeAllclose([0, 0, Math.hypot(255, 127.5)], { rtol: 1e-6 });
  });
});
