import { plan, type Rule, sample } from "@etalon/gddim";
import type { ImageBatch, Pipeline } from "@etalon/models";
import type { Watch } from "../watched.ts";
import type { PictureConfig } from "./PictureConfig.ts";

/** A config whose sizes may be the model's own. */
export type Drawing = Omit<PictureConfig, "height" | "width"> & { height?: number; width?: number };

/** Draws a config's pictures, prompt by prompt. A picture depends on its prompt and its noise only, not on the others drawn with it. */
export async function drawPictures(
  pipeline: Pipeline,
  config: Drawing,
  { signal, onProgress }: Watch,
): Promise<ImageBatch> {
  const { prompts, n, first, negative, guidance, steps, eta, rule, shift, seed, height, width } = config;
  const repeated = prompts.flatMap((prompt) => Array.from({ length: n }, () => prompt));
  const shape = pipeline.latentShape(height, width);
  const denoiser = pipeline.denoiser(repeated, { guidance, negative, shape });
  try {
    const trajectory = plan({ path: pipeline.path, steps, eta, rule: rule as Rule, shift });
    const samples = Uint32Array.from(repeated, (_, i) => first + i);
    let latents: Float32Array = new Float32Array(0);
    for await (const { index, next } of sample({
      denoiser,
      plan: trajectory,
      shape,
      seed,
      samples,
      guidance,
      signal,
    })) {
      latents = next;
      onProgress({ stage: "sampling", done: index + 1, total: steps });
    }
    return pipeline.decode(latents, repeated.length, shape);
  } finally {
    denoiser.dispose();
  }
}
