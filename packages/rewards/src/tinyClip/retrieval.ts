import { tf } from "@etalon/engine";
import type { TinyClip } from "./TinyClip.ts";

/** How often the right picture is the first, or among the first five, of `among`. */
export interface Retrieval {
  top1: number;
  top5: number;
  among: number;
}

/**
 * Text-to-image retrieval: each caption ranks all the pictures by cosine. Captions of several pictures that are the same words count any of those as right.
 * @param images  [captions, side, side, 3] in [−1, 1], picture i for caption i
 */
export function retrieval(model: TinyClip, images: Float32Array, captions: readonly string[]): Retrieval {
  const n = captions.length;
  const cosines = tf.tidy(() => {
    const pictures = model.embedImages(model.toPatches(images, n));
    return tf.matMul(model.embedTexts(model.toBags(captions)), pictures.transpose()).dataSync<"float32">();
  });
  const ranks = captions.map((caption, i) => {
    const row = cosines.subarray(i * n, (i + 1) * n);
    const best = Math.max(...captions.map((other, j) => (other === caption ? row[j] : -Infinity)));
    return row.filter((cosine) => cosine > best).length;
  });
  const share = (first: number) => ranks.filter((rank) => rank < first).length / n;
  return { top1: share(1), top5: share(5), among: n };
}
