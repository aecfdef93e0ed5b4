import { check } from "@etalon/errors";

/** Pictures of one size: 8-bit RGB, [count, height, width, 3] row by row. */
export interface ImageBatch {
  data: Uint8Array;
  count: number;
  width: number;
  height: number;
}

/** The bytes of one picture of a batch: a view, not a copy. @throws EtalonError OUT_OF_RANGE */
export function imageAt({ data, count, width, height }: ImageBatch, index: number): Uint8Array {
  check.range("index", index, { min: 0, below: count, integer: true });
  const bytes = width * height * 3;
  return data.subarray(index * bytes, (index + 1) * bytes);
}
