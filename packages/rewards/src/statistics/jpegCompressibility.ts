import { check } from "@etalon/errors";
import sharp from "sharp";
import type { ImageBatch } from "../ImageBatch.ts";
import { defineReward, type Reward } from "../Reward.ts";

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
  return defineReward("jpeg-compressibility", async (images) => (await jpegSizes(images, quality)).map((kB) => -kB));
}

/** The size of the image as JPEG, in kB (1000 bytes): higher is harder to compress; always positive. Otherwise as `jpegCompressibility`. */
export function jpegIncompressibility(options: JpegOptions = {}): Reward {
  const quality = checkQuality(options);
  return defineReward("jpeg-incompressibility", (images) => jpegSizes(images, quality));
}

const checkQuality = ({ quality = 95 }: JpegOptions) =>
  check.range("quality", quality, { min: 1, max: 100, integer: true });

/** PIL writes the 18 bytes of a JFIF segment, sharp does not. */
const jfifSegment = 18;

async function jpegSizes({ data, count, width, height }: ImageBatch, quality: number): Promise<Float32Array> {
  const bytes = width * height * 3;
  const size = async (index: number) => {
    const pixels = data.subarray(index * bytes, (index + 1) * bytes);
    const image = sharp(pixels, { raw: { width, height, channels: 3 } });
    const file = await image.jpeg({ quality, chromaSubsampling: "4:2:0", optimiseCoding: false }).toBuffer();
    return (file.length + jfifSegment) / 1000;
  };
  return Float32Array.from(await Promise.all(Array.from({ length: count }, (_, i) => size(i))));
}
