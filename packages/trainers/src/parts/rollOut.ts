import { setImmediate } from "node:timers/promises";
import { initialNoise, type Plan, type PlanStep, sample } from "@etalon/gddim";
import type { ImageBatch, Pipeline } from "@etalon/models";
import { normal } from "@etalon/native";
import type { Arena } from "./Arena.ts";

/** What a rollout is made of. */
export interface RolloutOptions {
  pipeline: Pipeline;
  plan: Plan;
  /** One an image; images of a group stand together. */
  prompts: readonly string[];
  /** Noise depends on (seed, id, step, element) only. One id an image. */
  seed: bigint | number;
  ids: Uint32Array;
  guidance?: number;
  /** Images of a group start from the x_T of its first: as many as this. Default 1: each from its own. */
  sharedBy?: number;
  /** In its place: the id whose x_T each image starts from, where a group's first is not among these. */
  startIds?: Uint32Array;
  /** Images that go through the model at once. */
  batch?: number;
  /** The indices of the stochastic steps that each image is trained on; default all. Those of no image are not kept. */
  trained?: readonly ReadonlySet<number>[];
  /** Whether the noise of these steps is kept too, as the normalised ratio needs it. Default false. */
  keepNoise?: boolean;
  /** Where the rollout's arrays come from, all of which it takes back first: the rollout before it is then gone. Default: new arrays. */
  arena?: Arena;
  signal?: AbortSignal;
  onStep?: (done: number, total: number) => void;
}

/** A stochastic step of a rollout: float32 [images, …latentShape] before and after, and log p(next | x), summed over the elements. */
export interface TrajectoryStep {
  step: PlanStep;
  x: Float32Array;
  next: Float32Array;
  logp: Float64Array;
  /** The noise it drew, float32 [images, …latentShape]; where it was asked for. */
  z?: Float32Array;
}

/** Images, and the steps to train on. */
export interface Rollout {
  prompts: readonly string[];
  steps: TrajectoryStep[];
  /** The steps that each image is trained on, by index; absent: all. */
  trained?: readonly ReadonlySet<number>[];
  latents: Float32Array;
  images: ImageBatch;
}

/** Draws an image a prompt by the plan's sampler, and keeps its stochastic steps. @throws EtalonError ABORTED, NOT_FINITE and as `sample` */
export async function rollOut(options: RolloutOptions): Promise<Rollout> {
  const {
    pipeline,
    plan,
    prompts,
    seed,
    ids,
    guidance = 1,
    batch,
    trained,
    keepNoise,
    arena,
    signal,
    onStep,
  } = options;
  const shape = pipeline.latentShape();
  arena?.reset();
  const room = arena?.take;
  const outputs: Float32Array[] = []; // of the model, at this step
  const lend = (length: number) => {
    if (arena === undefined) return new Float32Array(length);
    outputs.push(arena.take(length));
    return outputs[outputs.length - 1];
  };
  const denoiser = pipeline.denoiser(prompts, { guidance, batch, room: lend });
  const steps: TrajectoryStep[] = [];
  const dim = shape.reduce((a, b) => a * b);
  let latents = startOf(options, dim);
  try {
    const loop = sample({ denoiser, plan, shape, seed, samples: ids, x: latents, guidance, room, signal });
    const forgets = plan.steps.every(({ map, correct }) => !map.earlier?.length && !correct); // else the loop looks back at what it gave
    let needed = false;
    for await (const { step, x, next, logp } of loop) {
      const kept = logp && (trained?.some((indices) => indices.has(step.index)) ?? true);
      if (kept) {
        const key = { seed: BigInt(seed), step: step.index + 1, samples: ids }; // as `sample` has it
        steps.push({ step, x, next, logp, ...(keepNoise && { z: normal({ key, dim, out: room?.(x.length) }) }) });
      }
      if (arena && forgets) {
        if (!kept && !needed) arena.give(x);
        for (const output of outputs.splice(0)) arena.give(output);
      }
      needed = kept === true;
      latents = next;
      onStep?.(step.index + 1, plan.steps.length);
      await setImmediate(); // signals are heard, and files go on being written, between steps
    }
  } finally {
    denoiser.dispose();
  }
  return { prompts, steps, ...(trained && { trained }), latents, images: pipeline.decode(latents, prompts.length) };
}

function startOf({ seed, ids, startIds, plan, sharedBy = 1, arena }: RolloutOptions, dim: number): Float32Array {
  const starts = startIds ?? ids.map((_, i) => ids[i - (i % sharedBy)]);
  const samples = Uint32Array.from(new Set(starts));
  const room = arena?.take;
  const noise = initialNoise({ seed, samples, dim, std: plan.initialStd, out: room?.(samples.length * dim) });
  if (samples.length === starts.length) return noise;
  const row = new Map(Array.from(samples, (id, at) => [id, at * dim]));
  const x = room?.(starts.length * dim) ?? new Float32Array(starts.length * dim);
  for (const [i, id] of starts.entries()) {
    const begin = row.get(id) as number;
    x.set(noise.subarray(begin, begin + dim), i * dim);
  }
  return x;
}
