import type { ImageBatch } from "../../ImageBatch.ts";
import { BitCounter } from "./BitCounter.ts";
import { forwardDct } from "./forwardDct.ts";
import { type ComponentTables, type JpegTables, zigzag } from "./tables.ts";

/** Bytes beside the image's own bits: SOI, the JFIF segment, two quantisers, the frame, four Huffman tables, the scan, EOI. */
const headers = 2 + 18 + 2 * 69 + 19 + 2 * 33 + 2 * 183 + 14 + 2;

/** A component's samples in rows, as wide and high as its blocks, and where its coding stands. */
interface Plane {
  samples: Uint8Array;
  width: number;
  /** Blocks in a row, and rows of blocks, that hold something of the image. */
  columns: number;
  rows: number;
  tables: ComponentTables;
  /** The first coefficient of the block before. */
  dc: number;
}

/**
 * The length of an image as a JPEG file, in bytes, without writing it: what libjpeg(-turbo) writes for 8-bit RGB with the accurate transform, chroma 4:2:0, its standard
 * Huffman tables and a JFIF header, and no other metadata. A 32×32 picture takes a tenth of what a call of an image library does.
 * @param images  of which `index` is measured    @param tables  those of a quality, by `jpegTables`
 */
export function jpegSize({ data, width, height }: ImageBatch, index: number, tables: JpegTables): number {
  const pixels = data.subarray(3 * width * height * index, 3 * width * height * (index + 1));
  const [y, cb, cr] = planesOf(pixels, width, height, tables);
  const out = new BitCounter();
  for (let row = 0; row < cb.rows; row++) {
    for (let column = 0; column < cb.columns; column++) {
      for (const [down, right] of corners) codeBlock(out, y, 2 * row + down, 2 * column + right);
      codeBlock(out, cb, row, column);
      codeBlock(out, cr, row, column);
    }
  }
  out.end();
  return headers + out.bytes;
}

const corners = [[0, 0], [0, 1], [1, 0], [1, 1]] as const; // biome-ignore format: a table

/** Brightness and colour by libjpeg's fixed-point numbers, colour at half the size, both filled up to whole blocks of 16 pixels with their last column and row. */
function planesOf(
  pixels: Uint8Array,
  width: number,
  height: number,
  { luminance, chrominance }: JpegTables,
): [Plane, Plane, Plane] {
  const [columns, rows] = [Math.ceil(width / 16), Math.ceil(height / 16)];
  const [wide, high] = [16 * columns, 16 * rows];
  const [y, blue, red] = [0, 0, 0].map(() => new Uint8Array(wide * high));
  for (let i = 0; i < high; i++) {
    const line = Math.min(i, height - 1) * width;
    for (let j = 0; j < wide; j++) {
      const from = 3 * (line + (j < width ? j : width - 1));
      const r = pixels[from]; // not by destructuring: until V8 has compiled a loop, that makes an array and an iterator each time
      const g = pixels[from + 1];
      const b = pixels[from + 2];
      const to = i * wide + j;
      y[to] = (19595 * r + 38470 * g + 7471 * b + 32768) >> 16;
      blue[to] = (-11059 * r - 21709 * g + 32768 * b + 8421375) >> 16;
      red[to] = (32768 * r - 27439 * g - 5329 * b + 8421375) >> 16;
    }
  }
  const colour = (full: Uint8Array): Plane => {
    const samples = halved(full, wide, Math.ceil(height / 2));
    return { samples, width: wide / 2, columns, rows, tables: chrominance, dc: 0 };
  };
  const own = { columns: Math.ceil(width / 8), rows: Math.ceil(height / 8) };
  return [{ samples: y, width: wide, ...own, tables: luminance, dc: 0 }, colour(blue), colour(red)];
}

/** Means of four pixels, rounded down and up in turn along a row; rows from `most` on repeat the last. */
function halved(full: Uint8Array, wide: number, most: number): Uint8Array {
  const half = new Uint8Array(full.length / 4);
  const width = wide / 2;
  for (let i = 0; i < half.length / width; i++) {
    const from = 2 * Math.min(i, most - 1) * wide;
    for (let j = 0; j < width; j++) {
      const at = from + 2 * j;
      half[i * width + j] = (full[at] + full[at + 1] + full[at + wide] + full[at + wide + 1] + 1 + (j & 1)) >> 2;
    }
  }
  return half;
}

const block = new Int32Array(64);

/** Transforms, quantises and codes a block; one outside the image is as the block before, with nothing in it but the mean. */
function codeBlock(out: BitCounter, plane: Plane, row: number, column: number): void {
  const { samples, width, tables } = plane;
  if (row >= plane.rows || column >= plane.columns) {
    out.symbol(tables.dc, 0);
    out.symbol(tables.ac, 0);
    return;
  }
  const begin = 8 * (row * width + column);
  for (let i = 0; i < 8; i++) for (let j = 0; j < 8; j++) block[8 * i + j] = samples[begin + i * width + j] - 128;
  forwardDct(block);
  const dc = quantised(0, tables);
  const size = bitsOf(dc - plane.dc);
  out.symbol(tables.dc, size);
  out.number(dc - plane.dc, size);
  plane.dc = dc;
  let zeros = 0;
  for (let k = 1; k < 64; k++) {
    const value = quantised(zigzag[k], tables);
    if (value === 0) {
      zeros++;
      continue;
    }
    for (; zeros > 15; zeros -= 16) out.symbol(tables.ac, 0xf0);
    const bits = bitsOf(value);
    out.symbol(tables.ac, 16 * zeros + bits);
    out.number(value, bits);
    zeros = 0;
  }
  if (zeros > 0) out.symbol(tables.ac, 0);
}

/** A coefficient in steps, rounded half away from zero. */
function quantised(at: number, { steps }: ComponentTables): number {
  const value = block[at];
  const step = steps[at];
  const rounded = (value < 0 ? -value : value) + (step >> 1);
  if (rounded < step) return 0;
  const count = (rounded / step) | 0;
  return value < 0 ? -count : count;
}

/** Bits of a number without its sign. */
const bitsOf = (value: number): number => 32 - Math.clz32(value < 0 ? -value : value);
