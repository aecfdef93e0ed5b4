import { check } from "@etalon/errors";
import type { ImageBatch } from "../ImageBatch.ts";
import { defineReward, type Reward } from "../Reward.ts";
import { jpegSize } from "./jpeg/jpegSize.ts";
import { jpegTables } from "./jpeg/tables.ts";

/** How images are written as JPEG before their bytes are counted. */
export interface JpegOptions {
  /** 1 to 100. */
  quality?: number;
}

/**
 * Minus the size of the image as JPEG, in kB (1000 bytes): higher is easier to compress; always negative.
 * JPEG quality 95, chroma 4:2:0, standard Huffman tables, no metadata: what `jpeg_compressibility` of kvablack/ddpo-pytorch (ddpo_pytorch/rewards.py) gets from
 * PIL's defaults, byte for byte on the same 8-bit pixels.
 * @throws EtalonError OUT_OF_RANGE: a quality outside 1…100
 */
export function jpegCompressibility(options: JpegOptions = {}): Reward {
  const quality = checkQuality(options);
  return defineReward("jpeg-compressibility", (images) => jpegSizes(images, quality).map((kB) => -kB));
}

/** The size of the image as JPEG, in kB (1000 bytes): higher is harder to compress; always positive. Otherwise as `jpegCompressibility`. */
export function jpegIncompressibility(options: JpegOptions = {}): Reward {
  const quality = checkQuality(options);
  return defineReward("jpeg-incompressibility", (images) => jpegSizes(images, quality));
}

const checkQuality = ({ quality = 95 }: JpegOptions) =>
  check.range("quality", quality, { min: 1, max: 100, integer: true });

function jpegSizes(images: ImageBatch, quality: number): Float32Array {
  const tables = jpegTables(quality);
  return Float32Array.from({ length: images.count }, (_, i) => jpegSize(images, i, tables) / 1000);
}
