import type { TrainConfig } from "../config/TrainConfig.ts";
import { imagesOfRanks, reductionSpan } from "./imagesOfRanks.ts";

/** Up to so many bytes of trained parameters, the default sums the gradient over the ranks after every micro-batch. */
const small = 64 * 2 ** 20;

/**
 * How an epoch's work lies on the ranks: the images of each, and the micro-batches between two sums of the gradient. The latter is the same for any number of ranks.
 * @throws EtalonError BAD_CONFIG: more ranks than there is work for
 */
export function workOfRanks(
  { train, parallel }: TrainConfig,
  variables: ReadonlyMap<string, { size: number }>,
  ranks: number,
): { span: number; shares: number[][] } {
  const { promptsPerEpoch, groupSize, updatesPerEpoch: updates, microBatch } = train;
  const images = promptsPerEpoch * groupSize;
  const bytes = [...variables.values()].reduce((sum, { size }) => sum + 4 * size, 0);
  const all = Math.ceil(images / updates / microBatch);
  const wanted = Math.min(all, parallel.reduceEvery ?? (bytes <= small ? 1 : all));
  const sharing = { images, groupSize, updates, microBatch, splitGroups: parallel.splitGroups };
  const span = reductionSpan(sharing, wanted);
  return { span, shares: imagesOfRanks({ ...sharing, span }, ranks) };
}
