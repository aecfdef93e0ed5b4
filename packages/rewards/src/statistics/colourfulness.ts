import { perImage } from "../ImageBatch.ts";
import { defineReward, type Reward } from "../Reward.ts";

/**
 * Colourfulness M = √(σ_rg² + σ_yb²) + 0.3 √(μ_rg² + μ_yb²), with rg = R − G and yb = (R + G)/2 − B on 8-bit values: 0 for a grey image, about 15 slightly, 60
 * quite and 100 extremely colourful. Hasler & Süsstrunk, Measuring colourfulness in natural images, 2003, eq. 14.
 */
export const colourfulness = (): Reward => defineReward("colourfulness", (images) => perImage(images, colourfulnessOf));

function colourfulnessOf(pixels: Uint8Array): number {
  const rg = { sum: 0, squares: 0 };
  const yb = { sum: 0, squares: 0 };
  for (let i = 0; i < pixels.length; i += 3) {
    const [r, g, b] = [pixels[i], pixels[i + 1], pixels[i + 2]];
    rg.sum += r - g;
    rg.squares += (r - g) ** 2;
    yb.sum += (r + g) / 2 - b;
    yb.squares += ((r + g) / 2 - b) ** 2;
  }
  const n = pixels.length / 3;
  const means = (rg.sum / n) ** 2 + (yb.sum / n) ** 2;
  const variances = (rg.squares + yb.squares) / n - means;
  return Math.sqrt(Math.max(0, variances)) + 0.3 * Math.sqrt(means);
}
