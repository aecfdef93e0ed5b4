import { perImage } from "../ImageBatch.ts";
import { defineReward, type Reward } from "../Reward.ts";

/** Mean luma of the image (Rec. 601 weights on the 8-bit values), 0 for black to 1 for white. */
export const brightness = (): Reward => defineReward("brightness", (images) => perImage(images, meanLuma));

function meanLuma(pixels: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < pixels.length; i += 3) sum += 0.299 * pixels[i] + 0.587 * pixels[i + 1] + 0.114 * pixels[i + 2];
  return sum / (pixels.length / 3) / 255;
}
