import { currentEngine, engine, tf } from "@etalon/engine";
import sharp from "sharp";
import { assetFolder } from "../assets.ts";
import type { ImageBatch } from "../ImageBatch.ts";
import type { Reward } from "../Reward.ts";
import { TinyClip } from "./TinyClip.ts";

/** Which weights score. */
export interface TinyClipOptions {
  /** A folder with config.json, tokenizer.json and model.safetensors; default: the scorer that comes with the package. */
  dir?: string;
}

/** Images a forward pass. */
const batch = 64;

/**
 * Ten times the cosine between a picture and its prompt in a small model trained on emoji pictures with their names: −10 to 10; its card tells what it is worth.
 * Pictures of another size than 32×32 are resized. Words it does not know are left out; a prompt without a known word gets the same vector always. Runs on the
 * engine that is current, or else on the one that `engine()` finds; engines agree to rounding. A picture's score does not depend on the others of its batch.
 * @throws EtalonError NOT_FOUND, BAD_FILE: `dir` holds no such model
 */
export async function tinyClipReward({ dir = assetFolder("tiny-clip") }: TinyClipOptions = {}): Promise<Reward> {
  if (!currentEngine()) await engine();
  const model = TinyClip.fromFolder(dir);
  return {
    name: "tiny-clip",
    score: async (images, prompts) => {
      const pixels = await toPixels(images, model.config.image_size);
      const size = model.config.image_size ** 2 * 3;
      const scores = new Float32Array(images.count);
      for (let start = 0; start < images.count; start += batch) {
        const end = Math.min(start + batch, images.count);
        scores.set(scoreSome(model, pixels.subarray(start * size, end * size), prompts.slice(start, end)), start);
      }
      return scores;
    },
    dispose: () => model.dispose(),
  };
}

function scoreSome(model: TinyClip, pixels: Float32Array, prompts: readonly string[]): Float32Array {
  return tf.tidy(() => {
    const pictures = model.embedImages(model.toPatches(pixels, prompts.length));
    const texts = model.embedTexts(model.toBags(prompts));
    return pictures.mul(texts).sum(-1).mul(10).dataSync<"float32">().slice();
  });
}

/** [count, side, side, 3] in [−1, 1]. */
async function toPixels({ data, count, width, height }: ImageBatch, side: number): Promise<Float32Array> {
  if (width === side && height === side) return normal(data);
  const out = new Float32Array(count * side * side * 3);
  for (let i = 0; i < count; i++) {
    const image = data.subarray(i * width * height * 3, (i + 1) * width * height * 3);
    const resized = sharp(image, { raw: { width, height, channels: 3 } }).resize(side, side, { fit: "fill" });
    out.set(normal(await resized.raw().toBuffer()), i * side * side * 3);
  }
  return out;
}

/** Bytes as values in [−1, 1]: in a loop, since `Float32Array.from` with a function goes by an iterator and takes thirty times as long. */
function normal(bytes: Uint8Array): Float32Array {
  const values = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) values[i] = bytes[i] / 127.5 - 1;
  return values;
}
