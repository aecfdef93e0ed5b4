import { Random } from "@etalon/models";
import { defineReward } from "@etalon/rewards";

/** A reward that looks at no image: normal draws. */
export function blindReward(seed) {
  const random = new Random(seed);
  return defineReward("blind", ({ count }) => Float32Array.from({ length: count }, () => random.normal()));
}

/** Whether a config's reward looks at no image. */
export const isBlind = (reward) => reward.startsWith("blind");

/** What a training is measured by: its own reward, and where that looks at no image tiny-clip, or what the name says, as in blind:jpeg-incompressibility. */
export const measuredBy = (reward) => (isBlind(reward) ? (reward.split(":")[1] ?? "tiny-clip") : reward);
