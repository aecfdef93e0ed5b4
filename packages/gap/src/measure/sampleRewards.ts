import { check } from "@etalon/errors";
import { type Plan, sample } from "@etalon/gddim";
import type { ImageBatch, Pipeline } from "@etalon/models";
import { type Reward, scoreChecked } from "@etalon/rewards";
import type { OnProgress } from "../Progress.ts";

/** One pass of a sampler over prompts. */
export interface SampleRewardsOptions {
  pipeline: Pipeline;
  reward: Reward;
  /** Sample i has prompt i modulo their number. */
  prompts: readonly string[];
  plan: Plan;
  /** Number of pictures. */
  n: number;
  guidance?: number;
  seed?: bigint | number;
  /** Pictures that go through the model at once. No result depends on it, but for the engine's rounding. */
  batch?: number;
  /** First so many pictures that come back with the rewards. */
  keep?: number;
  signal?: AbortSignal;
  onProgress?: OnProgress;
}

/** Rewards of all pictures, float64, and the first `keep` pictures. */
export interface SampledRewards {
  rewards: Float64Array;
  pictures: ImageBatch;
}

/**
 * Draws n pictures by a plan and scores them. Sample i has the same prompt, x_T and noise under every plan with the same seed: passes pair up by index.
 * @throws EtalonError OUT_OF_RANGE, BAD_SHAPE: an argument; BAD_REWARD: the reward throws, gives NaN or the wrong count; ABORTED: `signal`
 */
export async function sampleRewards(options: SampleRewardsOptions): Promise<SampledRewards> {
  const { pipeline, reward, prompts, plan, guidance = 1, seed = 0, batch = 32, keep = 0, signal, onProgress } = options;
  const n = check.count("n", options.n);
  check.count("batch", batch);
  check.that(prompts.length > 0, "BAD_SHAPE", { argument: "prompts", value: prompts, allowed: "one prompt or more" });
  const shape = pipeline.latentShape();
  const rewards = new Float64Array(n);
  const kept: ImageBatch[] = [];
  for (let first = 0; first < n; first += batch) {
    const count = Math.min(batch, n - first);
    const ids = Uint32Array.from({ length: count }, (_, i) => first + i);
    const texts = Array.from(ids, (id) => prompts[id % prompts.length]);
    const denoiser = pipeline.denoiser(texts, { guidance });
    let latents: Float32Array;
    try {
      latents = await sample({ denoiser, plan, shape, seed, samples: ids, guidance, signal }).run();
    } finally {
      denoiser.dispose();
    }
    const images = pipeline.decode(latents, count);
    rewards.set(await scoreChecked(reward, images, texts), first);
    if (first < keep) kept.push(images);
    onProgress?.({ stage: "sampling", done: first + count, total: n });
  }
  return { rewards, pictures: head(kept, Math.min(keep, n)) };
}

/** The first `count` pictures of some batches, as one batch. */
function head(batches: readonly ImageBatch[], count: number): ImageBatch {
  const { width, height } = batches[0] ?? { width: 0, height: 0 };
  const data = new Uint8Array(count * width * height * 3);
  let at = 0;
  for (const { data: part } of batches) {
    data.set(part.subarray(0, Math.min(part.length, data.length - at)), at);
    at += part.length;
  }
  return { data, count, width, height };
}
