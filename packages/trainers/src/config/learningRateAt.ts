import type { TrainConfig } from "./TrainConfig.ts";

/** AdamW's learning rate at an update, counted from 0: an even rise over the warm-up, then constant, or down along half a cosine to `floor` of it. */
export function learningRateAt({ learningRate, schedule }: TrainConfig["train"], update: number): number {
  const { shape, warmup, updates, floor } = schedule;
  if (update < warmup) return (learningRate * (update + 1)) / warmup;
  if (shape === "constant" || updates === null) return learningRate;
  const progress = Math.min(1, (update - warmup) / Math.max(1, updates - 1 - warmup));
  return learningRate * (floor + ((1 - floor) * (1 + Math.cos(Math.PI * progress))) / 2);
}
