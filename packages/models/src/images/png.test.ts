import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { imageAt } from "./ImageBatch.ts";
import { encodePng, gridPng, readImages } from "./png.ts";

const batch = {
  data: Uint8Array.from({ length: 3 * 2 * 4 * 3 }, (_, i) => (i * 7) % 256),
  count: 3,
  width: 4,
  height: 2,
};

test("a picture survives PNG, bit by bit", async () => {
  const folder = mkdtempSync(join(tmpdir(), "etalon-"));
  try {
    const files = [0, 1, 2].map((i) => join(folder, `${i}.png`));
    for (const [i, file] of files.entries()) writeFileSync(file, await encodePng(batch, i));
    expect(await readImages(files)).toEqual(batch);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a grid has each picture in its place, on white, enlarged without smoothing", async () => {
  const png = await gridPng(batch, { columns: 2, gap: 1, scale: 2 });
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([2 * (2 * 5 + 1), 2 * (2 * 3 + 1)]);
  const pixel = (x: number, y: number) => [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)];
  expect(pixel(0, 0)).toEqual([255, 255, 255]);
  expect(pixel(2, 2)).toEqual([...imageAt(batch, 0).subarray(0, 3)]);
  expect(pixel(3, 3)).toEqual(pixel(2, 2));
  expect(pixel(12, 2)).toEqual([...imageAt(batch, 1).subarray(0, 3)]);
  expect(pixel(2, 8)).toEqual([...imageAt(batch, 2).subarray(0, 3)]);
  expect(pixel(12, 8)).toEqual([255, 255, 255]);
});

test("pictures of other sizes and with an alpha channel are brought to one size, on white", async () => {
  const folder = mkdtempSync(join(tmpdir(), "etalon-"));
  try {
    const file = join(folder, "clear.png");
    await sharp({ create: { width: 9, height: 5, channels: 4, background: { r: 255, g: 0, b: 0, alpha: 0 } } }).toFile(
      file,
    );
    const { data, ...size } = await readImages([file], { width: 2, height: 2 });
    expect(size).toEqual({ count: 1, width: 2, height: 2 });
    expect([...data]).toEqual(Array(12).fill(255));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("refuses what is no picture, no file, and an index outside", async () => {
  await expect(readImages([])).rejects.toThrow("files is []; allowed: at least one file.");
  await expect(readImages(["/nowhere.png"])).rejects.toThrow(
    'image is "/nowhere.png"; allowed: a PNG, JPEG or WebP file.',
  );
  expect(() => imageAt(batch, 3)).toThrow("index is 3");
  await expect(gridPng(batch, { scale: 0 })).rejects.toThrow("scale is 0");
});
