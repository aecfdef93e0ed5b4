/** What a part of pre-training draws. */
export interface Stage {
  /** The share of all updates after which it begins. */
  from: number;
  /** How often an emoji of the prompt lists is drawn, relative to others that people ask for (`drawWeight`). */
  listed: number;
  /** How times are drawn: pure noise with probability `noise`, uniform with probability `uniform`, else sigmoid(N(mean, 1)). */
  times: { noise: number; uniform: number; mean: number };
}

/** Nearer to noise, where it is the prompt that decides what is drawn. */
const noisy = { noise: 0.06, uniform: 0.2, mean: 0.9 };
const even = { noise: 0.05, uniform: 0.2, mean: 0.3 };

/** What people ask for, a little more of the listed prompts: first what names mean, then, for the last third, clean pictures too. */
export const curriculum: readonly Stage[] = [
  { from: 0, listed: 2, times: noisy },
  { from: 0.67, listed: 2, times: even },
];

/** The stage of an update, of `steps` in all. */
export const stageAt = (step: number, steps: number): Stage =>
  curriculum.findLast(({ from }) => step >= from * steps) as Stage;
