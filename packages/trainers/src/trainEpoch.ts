import { setImmediate } from "node:timers/promises";
import { EtalonError } from "@etalon/errors";
import { learningRateAt } from "./config/learningRateAt.ts";
import type { TrainConfig } from "./config/TrainConfig.ts";
import type { Parts } from "./loadParts.ts";
import type { Communicator } from "./parallel/Communicator.ts";
import { GradientSum } from "./parallel/GradientSum.ts";
import { mergeScored } from "./parallel/mergeScored.ts";
import { soloCommunicator } from "./parallel/soloCommunicator.ts";
import { together } from "./parallel/together.ts";
import { workOfRanks } from "./parallel/workOfRanks.ts";
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
  /** The ranks that share the run: each draws, scores and trains on its part of the images. Default: this process alone. */
  communicator?: Communicator;
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
  const { communicator = soloCommunicator } = watch;
  const loop = { ...stages, ...given };
  const clock = stopwatch();
  const arena = Object.keys(given).length === 0 ? learner.arena : undefined; // a part of the user's may hold on to a rollout
  const { shares, ...order } = workOfRanks(config, learner.variables, communicator.size);
  const mine = shares[communicator.rank];
  const chosen = loop.samplePrompts(parts.mixture ?? parts.prompts, config.seed, standing.epoch, train.promptsPerEpoch);
  const prompts = chosen.flatMap((prompt) => Array<string>(train.groupSize).fill(prompt));
  const seconds = { rollout: 0, reward: 0, update: 0 };
  const [rollout, all] = await together(communicator, async (share: (scored: Scored) => void) => {
    const drawn = await rolloutOf(config, parts, { prompts, mine }, standing.epoch, watch, loop, arena);
    seconds.rollout = clock();
    share(await loop.rewardImages(parts.reward, drawn.images, drawn.prompts));
    if (watch.signal?.aborted) throw aborted(watch.signal);
    return drawn;
  });
  const scored = mergeScored(all, shares);
  const advantages = loop.advantagesOf({ train, scored, prompts, statisticsOf: (term) => learner.statisticsOf(term) });
  const images = loop.selectImages(scored.total, train.groupSize, train.bestOf);
  const row = new Map(mine.map((image, at) => [image, at]));
  const own = Float64Array.from(mine, (image) => advantages[image]);
  seconds.reward = clock();

  const lines: Metrics[] = [];
  const updates = train.innerEpochs * train.updatesPerEpoch;
  for (let update = 0; update < updates; update++) {
    await setImmediate(); // signals are heard, and files go on being written, between updates
    const { pipeline } = parts;
    const { variables, optimiser } = learner;
    const { maxGradNorm } = train.optimiser;
    const learningRate = learningRateAt(train, standing.step);
    const sum = new GradientSum({ communicator, variables, ...order, buckets: () => learner.buckets });
    const { skipped, ...report } = await loop.updatePolicy(
      { ...train, pipeline, variables, optimiser, maxGradNorm, learningRate, guidance: sampler.guidance, sum },
      rollout,
      own,
      shareOf(images, train.updatesPerEpoch, update).flatMap((image) => row.get(image) ?? []),
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

/** Draws this rank's images of an epoch: `mine` of those that `prompts` has one each. */
function rolloutOf(
  config: TrainConfig,
  { pipeline }: Parts,
  { prompts, mine }: { prompts: readonly string[]; mine: readonly number[] },
  epoch: number,
  watch: Watch,
  loop: Stages,
  arena: Arena | undefined,
): Promise<Rollout> {
  const { train, sampler, seed } = config;
  const idOf = (image: number) => epoch * prompts.length + image;
  const ids = Uint32Array.from(mine, idOf);
  const plan = loop.trainingPlan(config, pipeline.path, epoch);
  return loop.rollOut({
    pipeline,
    plan,
    prompts: mine.map((image) => prompts[image]),
    seed,
    ids,
    startIds: sampler.sharedNoise ? Uint32Array.from(mine, (image) => idOf(image - (image % train.groupSize))) : ids,
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
export const aborted = (signal?: AbortSignal): EtalonError =>
  new EtalonError("ABORTED", { argument: "signal" }, { message: "The run was stopped.", cause: signal?.reason });
