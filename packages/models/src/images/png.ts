import { check, EtalonError } from "@etalon/errors";
import sharp from "sharp";
import { type ImageBatch, imageAt } from "./ImageBatch.ts";

/** One picture of a batch as a PNG file's bytes. */
export function encodePng(batch: ImageBatch, index: number): Promise<Buffer> {
  const { width, height } = batch;
  return sharp(imageAt(batch, index), { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

/** How a grid is laid out. */
export interface GridOptions {
  columns?: number;
  /** Whole-number enlargement, without smoothing. */
  scale?: number;
  /** Pixels between pictures, before enlargement. */
  gap?: number;
}

/** All pictures of a batch on one PNG, row by row on white; near-square where `columns` is left out. */
export async function gridPng(batch: ImageBatch, { columns, scale = 1, gap = 2 }: GridOptions = {}): Promise<Buffer> {
  check.count("scale", scale);
  const across = Math.min(batch.count, columns ?? Math.ceil(Math.sqrt(batch.count)));
  check.count("columns", across);
  const down = Math.ceil(batch.count / across);
  const [width, height] = [across * (batch.width + gap) + gap, down * (batch.height + gap) + gap];
  const sheet = Buffer.alloc(width * height * 3, 255);
  for (let i = 0; i < batch.count; i++) {
    const image = imageAt(batch, i);
    const [left, top] = [gap + (i % across) * (batch.width + gap), gap + Math.floor(i / across) * (batch.height + gap)];
    for (let y = 0; y < batch.height; y++) {
      sheet.set(image.subarray(y * batch.width * 3, (y + 1) * batch.width * 3), ((top + y) * width + left) * 3);
    }
  }
  const raw = sharp(sheet, { raw: { width, height, channels: 3 } });
  return raw
    .resize(width * scale, height * scale, { kernel: "nearest" })
    .png()
    .toBuffer();
}

/** Pictures from files, brought to one size (the first's, where none is given). @throws EtalonError NOT_FOUND: names the file that cannot be read as a picture */
export async function readImages(
  files: readonly string[],
  size?: { width: number; height: number },
): Promise<ImageBatch> {
  check.that(files.length > 0, "BAD_SHAPE", { argument: "files", value: files, allowed: "at least one file" });
  const { width, height } = size ?? (await describe(files[0]));
  const data = new Uint8Array(files.length * width * height * 3);
  for (const [i, file] of files.entries()) {
    const picture = sharp(file)
      .toColourspace("srgb")
      .flatten({ background: "#fff" })
      .removeAlpha()
      .resize(width, height, { fit: "fill" });
    data.set(await read(file, picture.raw().toBuffer()), i * width * height * 3);
  }
  return { data, count: files.length, width, height };
}

const describe = (file: string) => read(file, sharp(file).metadata());

async function read<T>(file: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (cause) {
    throw new EtalonError(
      "NOT_FOUND",
      { argument: "image", value: file, allowed: "a PNG, JPEG or WebP file" },
      { cause },
    );
  }
}
