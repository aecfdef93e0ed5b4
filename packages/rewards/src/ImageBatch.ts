import { check, EtalonError } from "@etalon/errors";

/** A batch of images of one size: 8-bit RGB, NHWC, contiguous. */
export interface ImageBatch {
  data: Uint8Array;
  count: number;
  width: number;
  height: number;
}

/** @throws EtalonError BAD_SHAPE: data is not count × height × width × 3 bytes; OUT_OF_RANGE: a size below 1 */
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

/** The pixels of one image of the batch: a view, RGB, [height, width, 3]. */
export function imageAt({ data, width, height }: ImageBatch, index: number): Uint8Array {
  const size = width * height * 3;
  return data.subarray(index * size, (index + 1) * size);
}

/** Applies a function to the pixels (RGB, [height, width, 3]) of every image of a batch. */
export function perImage(images: ImageBatch, score: (pixels: Uint8Array, index: number) => number): Float32Array {
  return Float32Array.from({ length: images.count }, (_, i) => score(imageAt(images, i), i));
}
