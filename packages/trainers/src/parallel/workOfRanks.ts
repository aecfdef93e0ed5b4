import type { TrainConfig } from "../config/TrainConfig.ts";
import { imagesOfRanks, reductionSpan } from "./imagesOfRanks.ts";

/** Up to so many bytes of trained parameters, micro-batches are summed by halves: that holds log2 of their number + 1 gradients, and in a row one. */
const small = 64 * 2 ** 20;

/** How an epoch's work lies on the ranks. */
export interface Work {
  /** The images of each rank. */
  shares: number[][];
  /** How a rank's micro-batches are summed, the same for any number of ranks: as `GradientSum` takes it. */
  span?: number;
  row: boolean;
}

/** @throws EtalonError BAD_CONFIG: more ranks than there is work for */
export function workOfRanks(
  { train, parallel }: TrainConfig,
  variables: ReadonlyMap<string, { size: number }>,
  ranks: number,
): Work {
  const { promptsPerEpoch, groupSize, updatesPerEpoch: updates, microBatch } = train;
  const images = promptsPerEpoch * groupSize;
  const sharing = { images, groupSize, updates, microBatch, splitGroups: parallel.splitGroups };
  const most = Math.ceil(images / updates / microBatch);
  const span = parallel.reduceEvery === null ? undefined : reductionSpan(sharing, Math.min(most, parallel.reduceEvery));
  const bytes = [...variables.values()].reduce((sum, { size }) => sum + 4 * size, 0);
  return { shares: imagesOfRanks({ ...sharing, span }, ranks), span, row: bytes > small };
}
