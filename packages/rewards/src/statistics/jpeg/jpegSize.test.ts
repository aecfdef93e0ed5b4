import sharp from "sharp";
import { expect, test } from "vitest";
import { jpegSize } from "./jpegSize.ts";
import { jpegTables } from "./tables.ts";

/** Numbers in [0, 1) of a linear congruential generator. */
function draws(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const kinds: [string, (random: () => number, x: number, y: number, channel: number) => number][] = [
  ["noise", (random) => 256 * random()],
  ["waves", (_, x, y, channel) => 127 + 127 * Math.sin(0.2 * x + 0.1 * y + channel)],
  ["black and white", (random) => (random() < 0.5 ? 0 : 255)],
  ["a ramp", (random, x, y) => Math.min(255, 4 * (x + y) + 8 * random())],
  ["squares", (_, x, y) => (((x >> 2) + (y >> 3)) % 2) * 255],
];

test.each(kinds)("is what sharp's libjpeg writes, at every size and quality: %s", async (_, pixel) => {
  const random = draws(pixel.toString().length);
  for (let i = 0; i < 60; i++) {
    const side = () => (i % 2 === 0 ? 32 : 1 + Math.floor(70 * random()));
    const [width, height, quality] = [side(), side(), i % 3 === 0 ? 95 : 1 + Math.floor(100 * random())];
    const data = Uint8Array.from({ length: 3 * width * height }, (_, at) => {
      const p = Math.floor(at / 3);
      return pixel(random, p % width, Math.floor(p / width), at % 3);
    });
    const image = sharp(data, { raw: { width, height, channels: 3 } });
    const file = await image.jpeg({ quality, chromaSubsampling: "4:2:0", optimiseCoding: false }).toBuffer();
    const size = jpegSize({ data, width, height, count: 1 }, 0, jpegTables(quality));
    expect({ width, height, quality, size }).toEqual({ width, height, quality, size: file.length + 18 }); // sharp leaves the JFIF segment out
  }
});

test("measures the image of the batch that it is asked for", () => {
  const random = draws(1);
  const noise = Uint8Array.from({ length: 3 * 8 * 8 }, () => 256 * random());
  const batch = { data: Uint8Array.of(...new Uint8Array(noise.length), ...noise), width: 8, height: 8, count: 2 };
  const alone = { data: noise, width: 8, height: 8, count: 1 };
  const tables = jpegTables(50);
  expect(jpegSize(batch, 1, tables)).toBe(jpegSize(alone, 0, tables));
  expect(jpegSize(batch, 0, tables)).toBeLessThan(jpegSize(batch, 1, tables));
});
