import type { ImageBatch, Pipeline, PromptDenoiser } from "@etalon/models";
import type { Reward } from "@etalon/rewards";
import { rectifiedFlow } from "@etalon/schedules";

const side = 8;
/** Grey levels a unit of latent: wide enough for ±4, and fine enough that rounding adds no more than 1e-4 to a variance. */
const levels = 32;

/** A pipeline whose data are N(mean, variance) in every pixel and whose model is exact; pixels are latents in 1/32. */
export function fakePipeline({ mean, variance }: { mean: number; variance: number }): Pipeline {
  const path = rectifiedFlow({ prediction: "sample", noiseTime: 0.98 });
  const denoise = (x: Float32Array, t: number): Float32Array => {
    const { alpha, sigma } = path.at(t);
    const total = alpha ** 2 * variance + sigma ** 2;
    return x.map((v) => (alpha * variance * v + sigma ** 2 * mean) / total);
  };
  const pipeline: Partial<Pipeline> = {
    name: "fake",
    path,
    defaults: { steps: 6, guidance: 1 },
    latentShape: () => [side, side, 3],
    denoiser: () => Object.assign(denoise, { dispose: () => {} }) as PromptDenoiser,
    decode: (latents, count): ImageBatch => ({
      data: Uint8Array.from(latents, (v) => Math.max(0, Math.min(255, Math.round(128 + levels * v)))),
      count,
      width: side,
      height: side,
    }),
    dispose: () => {},
  };
  return pipeline as Pipeline;
}

/** −½(x − target)², averaged over a picture's pixels. */
export const quadraticReward = (target: number): Reward => ({
  name: "quadratic",
  score: ({ data, count }) => {
    const size = data.length / count;
    return Float32Array.from({ length: count }, (_, i) => {
      const pixels = data.subarray(i * size, (i + 1) * size);
      return pixels.reduce((sum, v) => sum - 0.5 * ((v - 128) / levels - target) ** 2, 0) / size;
    });
  },
});
