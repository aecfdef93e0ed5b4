import type { TrainConfig } from "./TrainConfig.ts";

/** A noise level in a few words: "1.2", or "1.5 → 0.5 along training". */
export const describeEta = (eta: TrainConfig["sampler"]["eta"]): string =>
  typeof eta === "number" ? `${eta}` : `${eta.from} → ${eta.to} along ${eta.along === "training" ? "training" : "the trajectory"}`; // biome-ignore format: one thought
