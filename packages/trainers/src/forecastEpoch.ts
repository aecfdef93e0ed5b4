import { tf } from "@etalon/engine";
import type { Plan } from "@etalon/gddim";
import type { TrainConfig } from "./config/TrainConfig.ts";
import type { Parts } from "./loadParts.ts";
import { modelPasses } from "./parts/modelPasses.ts";
import { policyGradients } from "./parts/policyGradients.ts";
import { rewardImages } from "./parts/rewardImages.ts";
import { rollOut } from "./parts/rollOut.ts";
import { trainedSteps } from "./parts/trainedSteps.ts";
import { trainingPlan } from "./parts/trainingPlan.ts";
import type { Learner } from "./run/Learner.ts";

/** What an epoch is predicted to take on this machine. */
export interface Forecast {
  seconds: {
    /** Drawing all images: model and decoding. */
    rollout: number;
    /** Scoring them. */
    reward: number;
    /** All forward and backward passes of the updates. */
    update: number;
  };
  bytes: {
    /** Tensors at the peak of an update: weights, optimiser, gradients, and what the model keeps for its backward pass. */
    update: number;
    /** The trajectories that an epoch keeps to train on. */
    rollout: number;
    /** The peak as the model's config gives it, where it can (docs/memory.md). */
    fromConfig?: number;
  };
}

/** Images that are timed, and taken for as many as there are. */
const most = 8;
/** A first pass that took longer is not made again: what it spent on warming up is little beside it. In seconds. */
const long = 2;
/** What is short is timed again until it has taken so many seconds, or so many times: calls get faster while V8 compiles them. */
const enough = { seconds: 0.25, times: 10 };

/**
 * Predicts an epoch's time and memory from one step of a rollout, the reward, and one forward and backward pass, of some images, timed and weighed here. Nothing is changed.
 * All are taken as linear in the images, which leaves out what batches gain.
 */
export async function forecastEpoch(
  config: TrainConfig,
  { pipeline, prompts, reward }: Parts,
  learner: Learner,
): Promise<Forecast> {
  const { sampler, train, seed } = config;
  const images = train.promptsPerEpoch * train.groupSize;
  const plan = trainingPlan(config, pipeline.path, 0);
  const few = Math.min(most, images, train.microBatch);
  const texts = Array.from({ length: few }, (_, i) => prompts[i % prompts.length]);
  const ids = Uint32Array.from(texts, (_, i) => i);
  const one = firstStochastic(plan);
  const { guidance, batch } = sampler;
  const draw = () =>
    rollOut({ pipeline, plan: one, prompts: texts, seed, ids, guidance, batch, keepNoise: train.ratioNorm });
  const rollout = await draw();
  const [decode, drawnImages] = await least(() => pipeline.decode(rollout.latents, few));
  const [score] = await timed(() => rewardImages(reward, drawnImages, texts));
  const [drawn] = await least(draw);

  const pass = async () => {
    const { gradients } = await policyGradients({ ...train, pipeline, variables: learner.variables, guidance }, rollout, new Float64Array(few), texts.map((_, i) => i)); // biome-ignore format: one thought
    tf.dispose(gradients);
  };
  const before = tf.memory().numBytes;
  const [first, { peakBytes }] = await timed(() => tf.profile(pass as never));
  const seconds = first > long ? first : (await least(pass))[0];
  const steps = trainedSteps(plan, train, seed, 0, ids)[0].size;
  const passes = modelPasses(config, pipeline.path, 0);
  const timedPasses = guidance === 1 ? 1 : 2;
  const dim = pipeline.latentShape().reduce((a, b) => a * b);
  const fromConfig = pipeline.updateBytes?.({ batch: Math.min(train.microBatch, images), guidance });
  return {
    seconds: {
      rollout: round((((passes.rollout / timedPasses) * Math.max(0, drawn - decode) + decode) * images) / few),
      reward: round((score * images) / few),
      update: round((seconds * (passes.training / timedPasses) * images) / few),
    },
    bytes: {
      update: Math.round(before + ((peakBytes - before) * Math.min(train.microBatch, images)) / few),
      rollout: 4 * dim * images * (steps + 1 + (train.ratioNorm ? steps : 0)),
      ...(fromConfig !== undefined && { fromConfig: Math.round(fromConfig) }),
    },
  };
}

/** A forecast in a sentence, for a log. */
export function describeForecast({ seconds, bytes }: Forecast): string {
  const total = (seconds.rollout + seconds.reward + seconds.update).toPrecision(2);
  const config = bytes.fromConfig === undefined ? "" : ` (${gigabytes(bytes.fromConfig)} by the model's config)`;
  return `an epoch is predicted to take ${total} s (rollout ${seconds.rollout.toPrecision(2)}, reward ${seconds.reward.toPrecision(2)}, updates ${seconds.update.toPrecision(2)}) and ${gigabytes(bytes.update)} of tensors at its peak${config}, beside ${gigabytes(bytes.rollout)} of trajectories`; // biome-ignore format: one thought
}

const gigabytes = (bytes: number): string =>
  bytes >= 1e9 ? `${(bytes / 1e9).toPrecision(2)} GB` : `${bytes >= 1e7 ? Math.round(bytes / 1e6) : (bytes / 1e6).toPrecision(2)} MB`; // biome-ignore format: one thought
const round = (seconds: number): number => Math.round(1000 * seconds) / 1000;

/** The plan cut down to its first stochastic step. */
function firstStochastic(plan: Plan): Plan {
  const step = plan.steps.find(({ stochastic }) => stochastic) ?? plan.steps[0];
  return { ...plan, steps: [{ ...step, index: 0 }] };
}

/** What a call took, in seconds, and what it gave. */
async function timed<T>(call: () => T): Promise<[seconds: number, result: Awaited<T>]> {
  const start = performance.now();
  const result = await call();
  return [(performance.now() - start) / 1000, result];
}

/** The least that a call took of several, in seconds, and what the last gave. */
async function least<T>(call: () => T): Promise<[seconds: number, result: Awaited<T>]> {
  let [shortest, result] = await timed(call);
  for (let all = shortest, times = 1; all < enough.seconds && times < enough.times; times++) {
    const [seconds, next] = await timed(call);
    all += seconds;
    [shortest, result] = [Math.min(shortest, seconds), next];
  }
  return [shortest, result];
}
