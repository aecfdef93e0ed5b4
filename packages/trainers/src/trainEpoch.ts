import { setImmediate } from "node:timers/promises";
import { EtalonError } from "@etalon/errors";
import { learningRateAt } from "./config/learningRateAt.ts";
import type { TrainConfig } from "./config/TrainConfig.ts";
import type { Parts } from "./loadParts.ts";
import type { Arena } from "./parts/Arena.ts";
import { meanAndStd } from "./parts/meanAndStd.ts";
import type { Scored } from "./parts/rewardImages.ts";
import type { Rollout } from "./parts/rollOut.ts";
import type { Learner } from "./run/Learner.ts";
import { type Stages, stages } from "./stages.ts";
import type { Metrics, Progress } from "./Trainer.ts";

/** What the loop is told from outside. */
export interface Watch {
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

/**
 * One round: sample prompts → rollout → rewards → advantages → updates. Moves the learner on, and gives a line for each update.
 * @param given  functions in the place of the loop's own
 * @throws EtalonError ABORTED: the signal came before the updates began, and nothing has changed; after that the round is finished. BAD_REWARD, NOT_FINITE
 */
export async function trainEpoch(
  config: TrainConfig,
  parts: Parts,
  learner: Learner,
  watch: Watch = {},
  given: Partial<Stages> = {},
): Promise<Metrics[]> {
  const { train, sampler } = config;
  const { standing } = learner;
  const loop = { ...stages, ...given };
  const clock = stopwatch();
  const arena = Object.keys(given).length === 0 ? learner.arena : undefined; // a part of the user's may hold on to a rollout
  const rollout = await rolloutOf(config, parts, standing.epoch, watch, loop, arena);
  const seconds = { rollout: clock(), reward: 0, update: 0 };
  const scored = await loop.rewardImages(parts.reward, rollout.images, rollout.prompts);
  if (watch.signal?.aborted) throw aborted(watch.signal);
  const { prompts } = rollout;
  const advantages = loop.advantagesOf({ train, scored, prompts, statisticsOf: (term) => learner.statisticsOf(term) });
  const images = loop.selectImages(scored.total, train.groupSize, train.bestOf);
  seconds.reward = clock();

  const lines: Metrics[] = [];
  const updates = train.innerEpochs * train.updatesPerEpoch;
  for (let update = 0; update < updates; update++) {
    await setImmediate(); // signals are heard, and files go on being written, between updates
    const { pipeline } = parts;
    const { variables, optimiser } = learner;
    const { maxGradNorm } = train.optimiser;
    const learningRate = learningRateAt(train, standing.step);
    const { skipped, ...report } = loop.updatePolicy(
      { ...train, pipeline, variables, optimiser, maxGradNorm, learningRate, guidance: sampler.guidance },
      rollout,
      advantages,
      shareOf(images, train.updatesPerEpoch, update),
    );
    standing.step += 1;
    if (skipped) standing.skipped += 1;
    else learner.averages?.step(standing.step);
    seconds.update = clock();
    const reward = rewardLine(scored);
    lines.push({ step: standing.step, epoch: standing.epoch + 1, reward, ...report, lr: learningRate, skipped: standing.skipped, seconds: { ...seconds } }); // biome-ignore format: one thought
    watch.onProgress?.({ stage: "update", done: update + 1, total: updates });
  }
  standing.epoch += 1;
  return lines;
}

function rolloutOf(
  config: TrainConfig,
  { pipeline, prompts, mixture }: Parts,
  epoch: number,
  watch: Watch,
  loop: Stages,
  arena: Arena | undefined,
): Promise<Rollout> {
  const { train, sampler, seed } = config;
  const chosen = loop.samplePrompts(mixture ?? prompts, seed, epoch, train.promptsPerEpoch);
  const each = chosen.flatMap((prompt) => Array<string>(train.groupSize).fill(prompt));
  const ids = Uint32Array.from(each, (_, i) => epoch * each.length + i);
  const plan = loop.trainingPlan(config, pipeline.path, epoch);
  return loop.rollOut({
    pipeline,
    plan,
    prompts: each,
    seed,
    ids,
    sharedBy: sampler.sharedNoise ? train.groupSize : 1,
    guidance: sampler.guidance,
    batch: sampler.batch,
    trained: loop.trainedSteps(plan, train, seed, epoch, ids),
    keepNoise: train.ratioNorm,
    arena,
    signal: watch.signal,
    onStep: (done, total) => watch.onProgress?.({ stage: "rollout", done, total }),
  });
}

/** The images of an update: every one in turn, so that each update has some of every group. */
const shareOf = (images: readonly number[], updates: number, update: number): number[] =>
  images.filter((_, at) => at % updates === update % updates);

function rewardLine({ total, each }: Scored): Metrics["reward"] {
  const parts = Object.entries(each).map(([name, scores]) => [name, meanAndStd([...scores]).mean]);
  return { ...Object.fromEntries(parts), ...meanAndStd([...total]) };
}

/** Seconds since the last call. */
function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const before = last;
    last = performance.now();
    return Math.round(last - before) / 1000;
  };
}

/** What a stopped run throws. */
export const aborted = (signal: AbortSignal): EtalonError =>
  new EtalonError("ABORTED", { argument: "signal" }, { message: "The run was stopped.", cause: signal.reason });
