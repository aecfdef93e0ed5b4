import { EtalonError } from "@etalon/errors";
import type { TrainConfig } from "./config/TrainConfig.ts";
import type { Parts } from "./loadParts.ts";
import { groupAdvantages } from "./parts/groupAdvantages.ts";
import { meanAndStd } from "./parts/meanAndStd.ts";
import { rewardImages, type Scored } from "./parts/rewardImages.ts";
import { type Rollout, rollOut } from "./parts/rollOut.ts";
import { samplePrompts } from "./parts/samplePrompts.ts";
import { trainedSteps } from "./parts/trainedSteps.ts";
import { trainingPlan } from "./parts/trainingPlan.ts";
import { updatePolicy } from "./parts/updatePolicy.ts";
import type { Learner } from "./run/Learner.ts";
import type { Metrics, Progress } from "./Trainer.ts";

/** What the loop is told from outside. */
export interface Watch {
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

/**
 * One round: sample prompts → rollout → rewards → advantages → updates. Moves the learner on, and gives a line for each update.
 * @throws EtalonError ABORTED: the signal came before the updates began, and nothing has changed; after that the round is finished. BAD_REWARD, NOT_FINITE
 */
export async function trainEpoch(
  config: TrainConfig,
  parts: Parts,
  learner: Learner,
  watch: Watch = {},
): Promise<Metrics[]> {
  const { train, sampler } = config;
  const { standing } = learner;
  const epoch = standing.epoch;
  const clock = stopwatch();
  const rollout = await rolloutOf(config, parts, epoch, watch);
  const seconds = { rollout: clock(), reward: 0, update: 0 };
  const scored = await rewardImages(parts.reward, rollout.images, rollout.prompts);
  if (watch.signal?.aborted) throw aborted(watch.signal);
  const advantages = advantagesOf(config, learner, scored, rollout.prompts);
  seconds.reward = clock();

  const lines: Metrics[] = [];
  const updates = train.innerEpochs * train.updatesPerEpoch;
  for (let update = 0; update < updates; update++) {
    const images = sharesOf(rollout.prompts.length, train.updatesPerEpoch, update);
    const { pipeline } = parts;
    const { variables, optimiser } = learner;
    const { maxGradNorm } = train.optimiser;
    const { skipped, ...report } = updatePolicy(
      { ...train, pipeline, variables, optimiser, maxGradNorm, guidance: sampler.guidance },
      rollout,
      advantages,
      images,
    );
    standing.step += 1;
    standing.skipped += skipped ? 1 : 0;
    seconds.update = clock();
    const reward = rewardLine(scored);
    lines.push({ step: standing.step, epoch: epoch + 1, reward, ...report, lr: train.learningRate, skipped: standing.skipped, seconds: { ...seconds } }); // biome-ignore format: one thought
    watch.onProgress?.({ stage: "update", done: update + 1, total: updates });
  }
  standing.epoch += 1;
  return lines;
}

function rolloutOf(config: TrainConfig, { pipeline, prompts }: Parts, epoch: number, watch: Watch): Promise<Rollout> {
  const { train, sampler, seed } = config;
  const chosen = samplePrompts(prompts, seed, epoch, train.promptsPerEpoch);
  const each = chosen.flatMap((prompt) => Array<string>(train.groupSize).fill(prompt));
  const plan = trainingPlan(config, pipeline.path, epoch);
  const trained = trainedSteps(plan, train.trainedSteps, seed, epoch);
  return rollOut({
    pipeline,
    plan,
    prompts: each,
    seed,
    ids: Uint32Array.from(each, (_, i) => epoch * each.length + i),
    sharedBy: sampler.sharedNoise ? train.groupSize : 1,
    guidance: sampler.guidance,
    batch: sampler.batch,
    keeps: ({ index }) => trained.has(index),
    signal: watch.signal,
    onStep: (done, total) => watch.onProgress?.({ stage: "rollout", done, total }),
  });
}

/** Advantages of each term, added up by weight, cut to ± clipAdvantage. */
function advantagesOf(
  { train }: TrainConfig,
  learner: Learner,
  { terms }: Scored,
  prompts: readonly string[],
): Float64Array {
  const sum = new Float64Array(prompts.length);
  for (const [term, { weight, scores }] of terms.entries()) {
    const advantages =
      train.advantage === "group"
        ? groupAdvantages(scores, train.groupSize)
        : learner.statisticsOf(term).advantages(scores, prompts);
    for (const [i, advantage] of advantages.entries()) sum[i] += weight * advantage;
  }
  return sum.map((advantage) => Math.max(-train.clipAdvantage, Math.min(train.clipAdvantage, advantage)));
}

/** The images of an update: every one in turn, so that each update has some of every group. */
const sharesOf = (count: number, updates: number, update: number): number[] =>
  Array.from({ length: count }, (_, i) => i).filter((i) => i % updates === update % updates);

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
