import { check, EtalonError } from "@etalon/errors";
import type { ImageBatch } from "@etalon/models";

export type { ImageBatch };

/** @throws EtalonError BAD_SHAPE: data is not count × height × width × 3 bytes; BAD_TYPE: not a Uint8Array; OUT_OF_RANGE: a size below 1 */
export function checkImages(images: ImageBatch): ImageBatch {
  const { data, count, width, height } = images;
  check.count("images.width", width);
  check.count("images.height", height);
  check.range("images.count", count, { min: 0, integer: true });
  if (!(data instanceof Uint8Array))
    throw new EtalonError("BAD_TYPE", { argument: "images.data", value: data, allowed: "a Uint8Array" });
  check.length("images.data", data, count * height * width * 3);
  return images;
}

/** Applies a function to the pixels of every image of a batch: 8-bit RGB, [height, width, 3], a view. */
export function perImage(
  { data, count, width, height }: ImageBatch,
  score: (pixels: Uint8Array, index: number) => number,
): Float32Array {
  const size = width * height * 3;
  return Float32Array.from({ length: count }, (_, i) => score(data.subarray(i * size, (i + 1) * size), i));
}
