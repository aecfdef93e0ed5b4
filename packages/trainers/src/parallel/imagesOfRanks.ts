import { EtalonError } from "@etalon/errors";

/** What decides which rank has which images of an epoch. */
export interface Sharing {
  /** Images of an epoch; those of a group stand together. */
  images: number;
  groupSize: number;
  /** Updates that the images are dealt out to, one after another. */
  updates: number;
  /** Images of a forward and backward pass. */
  microBatch: number;
  /** Micro-batches between reductions (`reductionSpan`). Undefined: one reduction an update. */
  span?: number;
  /** Whether a group may lie on several ranks. */
  splitGroups: boolean;
}

/**
 * Which images each rank draws, scores and trains on: indices into the epoch's images, rising. Each has the same number of groups in a row, but for one; with several reductions an update whose blocks the ranks
 * divide, blocks go round the ranks. So the gradient has the tree of one process (docs/parallel.md).
 * @throws EtalonError BAD_CONFIG: more ranks than groups (or, where groups are split, than images of an update)
 */
export function imagesOfRanks(sharing: Sharing, ranks: number): number[][] {
  const { images, groupSize, updates, splitGroups } = sharing;
  const unit = splitGroups ? 1 : groupSize;
  const units = images / unit;
  if (units < (splitGroups ? ranks * updates : ranks)) throw tooMany(sharing, ranks);
  const block = blockOf(sharing);
  const rounds = block !== undefined && units % (block * ranks) === 0;
  const owner = (at: number) => (rounds ? Math.floor(at / block) % ranks : Math.floor(((at + 1) * ranks - 1) / units));
  const shares = Array.from({ length: ranks }, (): number[] => []);
  for (let i = 0; i < images; i++) shares[owner(Math.floor(i / unit))].push(i);
  return shares;
}

/**
 * Micro-batches whose gradients a rank adds up before they are summed over the ranks: at least `wanted`, and as many as hold whole groups. The same for any number of ranks.
 */
export function reductionSpan(sharing: Omit<Sharing, "span">, wanted: number): number {
  const { groupSize, updates, microBatch, splitGroups } = sharing;
  const unit = splitGroups ? 1 : groupSize;
  return (wanted * unit) / commonDivisor(wanted * microBatch * updates, unit);
}

/** Units whose images of one update are those of one reduction: a whole number, as `reductionSpan` made the span. */
const blockOf = ({ span, microBatch, updates, groupSize, splitGroups }: Sharing): number | undefined =>
  span === undefined ? undefined : (span * microBatch * updates) / (splitGroups ? 1 : groupSize);

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b));

function tooMany({ images, groupSize, updates, splitGroups }: Sharing, ranks: number): EtalonError {
  if (splitGroups) return new EtalonError("BAD_CONFIG", { argument: "the number of ranks", value: ranks, allowed: `at most the images of an update, ${Math.floor(images / updates)}` }); // biome-ignore format: one thought
  return new EtalonError("BAD_CONFIG", { argument: "the number of ranks", value: ranks, allowed: `at most train.promptsPerEpoch, ${images / groupSize}`, hint: "parallel.splitGroups lets a prompt's images lie on several ranks." }); // biome-ignore format: one thought
}
