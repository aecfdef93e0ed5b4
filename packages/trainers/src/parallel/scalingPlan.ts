import { check } from "@etalon/errors";
import type { TrainConfig } from "../config/TrainConfig.ts";
import { bucketPlaces, type Sized } from "./bucketPlaces.ts";
import { workOfRanks } from "./workOfRanks.ts";

/** What messages cost: α seconds each, and β seconds a byte. `npm run bench:ranks -w @etalon/trainers` measures them. */
export interface Link {
  alpha: number;
  beta: number;
}

/** What a plan is made for. */
export interface ScalingOptions {
  config: TrainConfig;
  /** What is trained, by name. */
  variables: ReadonlyMap<string, Sized>;
  /** Of an epoch in one process: drawing and scoring, passes forward and back, and the optimiser's steps, which every rank makes in full. */
  seconds: { rollout: number; update: number; optimiser: number };
  link: Link;
  /** Numbers of ranks. */
  ranks: readonly number[];
}

/** What a number of ranks is predicted to do. */
export interface ScalingRow {
  ranks: number;
  /** Sums of the whole gradient in an update. */
  sums: number;
  /** That a rank sends in an update, the gradients' alone. */
  bytes: number;
  /** Of an epoch: what is computed one after another, the messages, and the whole where nothing of them is hidden, and where they have a processor of their own. */
  seconds: { compute: number; messages: number; epoch: number; overlapped: number };
  /** One process's seconds over ranks times these, for both. */
  efficiency: { epoch: number; overlapped: number };
}

/** Sums up to so many bytes are made in one round of messages, each array whole. As native/src/mpi/collectives.cpp has it. */
const short = 8192;

/**
 * What ranks bring and cost, by the α–β model of a sum over them (Thakur, Rabenseifner and Gropp, 2005): 2 (N − 1) α + 2 (N − 1)/N · bytes · β for each array, whether it goes round a ring or, as here, each rank sums its
 * share; (N − 1) α for what is gathered. All of a sum but an update's last can be hidden behind the next micro-batches. Left out: waiting for a slower rank, and what the first rank does alone (samples,
 * checkpoints, measurements). Where each image has its own steps, they are taken to be those of all.
 * @throws EtalonError BAD_CONFIG: more ranks than there is work for; OUT_OF_RANGE
 */
export function scalingPlan({ config, variables, seconds, link, ranks }: ScalingOptions): ScalingRow[] {
  check.range("link.alpha", link.alpha, { min: 0 });
  check.range("link.beta", link.beta, { min: 0 });
  for (const [name, value] of Object.entries(seconds)) check.range(`seconds.${name}`, value, { min: 0 });
  return ranks.map((n) => row({ config, variables, seconds, link }, n));
}

function row({ config, variables, seconds, link }: Omit<ScalingOptions, "ranks">, ranks: number): ScalingRow {
  check.count("ranks", ranks);
  const { train, parallel } = config;
  const { span = Number.MAX_SAFE_INTEGER, shares } = workOfRanks(config, variables, ranks);
  const work = updatesOf(train, shares);
  const arrays = bucketPlaces(variables, 1e6 * parallel.bucketMB).sizes.map((size) => messagesOf(4 * size, ranks));
  const [rounds, bytes] = [total(arrays.map((one) => one.rounds)), total(arrays.map((one) => one.bytes))];
  const oneSum = rounds * (ranks - 1) * link.alpha + bytes * link.beta;
  const gathers = (2 + 2 * work.length * train.innerEpochs) * (ranks - 1) * link.alpha;

  const drawn = Math.max(...shares.map((share) => share.length));
  const trained = total(work.flat());
  let [compute, messages, seen, sums] = [(seconds.rollout * drawn) / (train.promptsPerEpoch * train.groupSize) + seconds.optimiser, gathers, gathers, 0]; // biome-ignore format: one thought
  for (const images of work) {
    const most = Math.max(...images);
    const blocks = ranks === 1 ? 0 : Math.ceil(Math.ceil(most / train.microBatch) / span);
    const passes = (seconds.update * most) / trained;
    // While a sum is under way the next micro-batches are computed: what it takes longer than they is seen, and an update's last.
    const behind = blocks === 0 ? 0 : Math.max(0, oneSum - passes / train.innerEpochs / blocks);
    compute += passes;
    messages += train.innerEpochs * blocks * oneSum;
    seen += blocks === 0 ? 0 : train.innerEpochs * (oneSum + (blocks - 1) * behind);
    sums += blocks;
  }
  const alone = seconds.rollout + seconds.update + seconds.optimiser;
  const ends = { epoch: compute + messages, overlapped: compute + seen };
  return {
    ranks,
    sums: sums / work.length,
    bytes: (sums / work.length) * bytes,
    seconds: { compute, messages, ...ends },
    efficiency: { epoch: alone / (ranks * ends.epoch), overlapped: alone / (ranks * ends.overlapped) },
  };
}

/** How many images each rank has in each of an epoch's updates, by update and rank; of best-of-n, as if it were each group's first. */
function updatesOf(train: TrainConfig["train"], shares: readonly (readonly number[])[]): number[][] {
  const { groupSize, bestOf, updatesPerEpoch: updates } = train;
  const kept = bestOf ?? groupSize;
  const placeOf = (image: number) => Math.floor(image / groupSize) * kept + (image % groupSize);
  return Array.from(
    { length: updates },
    (_, update) =>
    shares.map((share) => share.filter((image) => image % groupSize < kept && placeOf(image) % updates === update).length), // biome-ignore format: one thought
  );
}

/** The sum of an array of so many bytes: rounds of messages to each of the others, and bytes that a rank sends. */
function messagesOf(bytes: number, ranks: number): { rounds: number; bytes: number } {
  if (ranks === 1) return { rounds: 0, bytes: 0 };
  if (bytes <= short) return { rounds: 1, bytes: (ranks - 1) * bytes };
  return { rounds: 2, bytes: (2 * (ranks - 1) * bytes) / ranks };
}

const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
