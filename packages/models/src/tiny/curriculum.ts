/** What a part of pre-training draws. */
export interface Stage {
  /** The share of all updates after which it begins. */
  from: number;
  /** How often an emoji of the prompt lists is drawn, relative to others; undefined draws all base emoji alike (`drawWeight`). */
  listed: number | undefined;
  /** How times are drawn: pure noise with probability `noise`, uniform with probability `uniform`, else sigmoid(N(mean, 1)). */
  times: { noise: number; uniform: number; mean: number };
  /** What the learning rate of the schedule is multiplied by. */
  rate: number;
}

const even = { noise: 0.03, uniform: 0.15, mean: 0.3 };
/** Nearer to noise, where it is the prompt that decides what is drawn. */
const noisy = { noise: 0.08, uniform: 0.1, mean: 1.2 };

/** First all pictures alike, then those that people ask for, then what their names mean. */
export const curriculum: readonly Stage[] = [
  { from: 0, listed: undefined, times: even, rate: 1 },
  { from: 0.3, listed: 3, times: even, rate: 1 },
  { from: 0.5715, listed: 3, times: noisy, rate: 1 },
  { from: 0.7145, listed: 8, times: noisy, rate: 2 },
];

/** The stage of an update, of `steps` in all. */
export const stageAt = (step: number, steps: number): Stage =>
  curriculum.findLast(({ from }) => step >= from * steps) as Stage;
