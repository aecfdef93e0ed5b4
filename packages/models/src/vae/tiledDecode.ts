import { type Tensor, tf } from "@etalon/engine";
import { check } from "@etalon/errors";

/** Squares that a latent is decoded in. */
export interface Tiling {
  /** Latent pixels along a side. */
  size: number;
  /** The part of a square that the next one covers again, in [0, 1). */
  overlap: number;
}

/**
 * Decodes a latent in overlapping squares and blends each into its left and upper neighbours by a linear ramp, as diffusers' tiled decoding does: memory is a square's, and
 * the seams differ a little from a decoding in one piece, since attention and norms see a square only.
 * @param decode  a square's latent to its pixels    @param factor  pixels a latent pixel stands for, along each axis
 */
export function tiledDecode(
  latent: Tensor,
  decode: (tile: Tensor) => Tensor,
  factor: number,
  { size, overlap }: Tiling,
): Tensor {
  check.count("tiles.size", size);
  check.range("tiles.overlap", overlap, { min: 0, below: 1 });
  const [, height, width] = latent.shape as number[];
  if (height <= size && width <= size) return decode(latent);
  const step = Math.max(1, Math.floor(size * (1 - overlap)));
  const kept = step * factor;
  let above: Tensor[] = [];
  const rows: Tensor[] = [];
  for (let top = 0; top < height; top += step) {
    const row: Tensor[] = [];
    for (let left = 0; left < width; left += step) {
      const extent = [Math.min(size, height - top), Math.min(size, width - left)];
      row.push(tf.tidy(() => decode(latent.slice([0, top, left, 0], [-1, ...extent, -1]))));
    }
    const joined = row.map((tile, j) => {
      const under = above[j] ? blended(above[j], tile, kept, 1) : tile;
      const beside = j > 0 ? blended(row[j - 1], under, kept, 2) : under;
      row[j] = beside; // the next one's left neighbour is the blended square
      return beside.slice([0, 0, 0, 0], [-1, Math.min(kept, beside.shape[1] as number), Math.min(kept, beside.shape[2] as number), -1]); // biome-ignore format: one thought
    });
    rows.push(tf.concat(joined, 2));
    above = row;
  }
  return tf.concat(rows, 1).slice([0, 0, 0, 0], [-1, height * factor, width * factor, -1]);
}

/** b, which begins at a's pixel `from` along an axis, fading in from a over all that the two share. */
function blended(a: Tensor, b: Tensor, from: number, axis: 1 | 2): Tensor {
  const length = Math.min((a.shape[axis] as number) - from, b.shape[axis] as number);
  if (length <= 0) return b;
  const ramp = tf.range(0, length).div(length).reshape(axis === 1 ? [1, length, 1, 1] : [1, 1, length, 1]);
  const cut = (x: Tensor, first: number, count: number) => {
    const [begin, extents] = [[0, 0, 0, 0], [-1, -1, -1, -1]];
    begin[axis] = first;
    extents[axis] = count;
    return x.slice(begin, extents);
  };
  const across = [1, 2].find((other) => other !== axis) as 1 | 2;
  const common = Math.min(a.shape[across] as number, b.shape[across] as number);
  const narrow = (x: Tensor) => (axis === 1 ? x.slice([0, 0, 0, 0], [-1, -1, common, -1]) : x.slice([0, 0, 0, 0], [-1, common, -1, -1])); // biome-ignore format: one thought
  const head = narrow(cut(b, 0, length));
  const tail = narrow(cut(a, from, length));
  const mixed = tail.mul(tf.scalar(1).sub(ramp)).add(head.mul(ramp));
  const rest = cut(b, length, (b.shape[axis] as number) - length);
  return tf.concat([mixed, narrow(rest)], axis);
} // biome-ignore format: long lines
