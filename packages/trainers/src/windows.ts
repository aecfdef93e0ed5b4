import { check } from "@etalon/errors";
import { Random } from "@etalon/models";
import { windowStrategies } from "./config/SamplerConfig.ts";

/** How an SDE window moves along a trajectory. */
export interface WindowOptions {
  strategy: (typeof windowStrategies)[number];
  /** Steps of the trajectory. */
  steps: number;
  /** Steps in the window. */
  size: number;
  /** Iterations at a place: `progressive`, and exp-decay before its decay. */
  every: number;
  /** Steps it moves by. Default 1. */
  stride?: number;
  /** Whether it starts again after the last place (default), or stays there. */
  rollBack?: boolean;
  /** First place. Default 0. */
  start?: number;
  /** Windows lie before this step. Default and null: the end. */
  end?: number | null;
  /** decay: iterations at the first and at the last place, linear between. Default 10 and 1. */
  maxEvery?: number;
  minEvery?: number;
  /** exp-decay: ⌈every · exp(−decayRate · max(0, place − decayFrom))⌉ iterations at a place. Default 13 and 0.1. */
  decayFrom?: number;
  decayRate?: number;
  /** random: the places depend on (seed, iteration) only. Default 0. */
  seed?: number;
  /** Default "skip": the window is always whole. "published" repeats MixGRPO's code: it leaves the last two steps out, and the window is cut short and then empty near the end. */
  edge?: "skip" | "published";
}

/**
 * The steps that are stochastic and trained at each iteration: MixGRPO's moving window.   docs/math.md §5; arXiv:2507.21802
 * The last step of a trajectory draws no noise, so no window holds it; a window larger than the rest holds all the others.
 * @returns a pure function from the iteration, from 0, to step indices in rising order, never none of them but with edge "published"
 * @throws EtalonError OUT_OF_RANGE
 */
export function windows(options: WindowOptions): (iteration: number) => number[] {
  const { strategy, steps, size, every, stride = 1, rollBack = true, start = 0, seed = 0, edge = "skip" } = options;
  check.oneOf("strategy", strategy, windowStrategies);
  check.oneOf("edge", edge, ["skip", "published"]);
  check.range("steps", steps, { min: edge === "published" ? 3 : 2, integer: true });
  check.range("size", size, { min: 1, max: steps, integer: true });
  check.count("every", every);
  check.count("stride", stride);
  const open = edge === "published" ? steps - 2 : steps - 1; // steps from here on are in no window
  const end = Math.min(open, check.range("end", options.end ?? steps, { min: Math.min(size, open), integer: true }));
  const whole = Math.max(0, end - size); // the last place of a whole window
  const last = edge === "published" ? end : whole;
  check.range("start", start, { min: 0, max: Math.max(last, 0), integer: true });

  const at = (place: number) => Array.from({ length: Math.min(size, end - place) }, (_, i) => place + i);
  const placeOf = {
    frozen: () => start,
    random: (iteration: number) => (iteration === 0 ? start : new Random(seed, iteration).below(whole + 1)),
    progressive: tour(start, last, stride, rollBack, () => every),
    decay: tour(start, last, stride, rollBack, decaying(options, last)),
    "exp-decay": tour(start, last, stride, rollBack, decayingExponentially(options)),
  }[strategy];
  return (iteration) => at(placeOf(check.range("iteration", iteration, { min: 0, integer: true })));
}

function decaying({ maxEvery = 10, minEvery = 1 }: WindowOptions, last: number): (place: number) => number {
  check.count("maxEvery", maxEvery);
  check.count("minEvery", minEvery);
  return (place) => {
    const progress = last === 0 ? 0 : place / last;
    return Math.max(minEvery, Math.floor(maxEvery * (1 - progress) + minEvery * progress));
  };
}

function decayingExponentially({ every, decayFrom = 13, decayRate = 0.1 }: WindowOptions): (place: number) => number {
  check.range("decayFrom", decayFrom, { min: 0 });
  check.range("decayRate", decayRate, { min: 0 });
  return (place) => Math.ceil(every * Math.exp(-decayRate * Math.max(0, place - decayFrom)));
}

/** The place at an iteration, when each place is kept for `stay(place)` of them. */
function tour(start: number, last: number, stride: number, rollBack: boolean, stay: (place: number) => number) {
  const ends: number[] = []; // iterations of the first round at which each place ends
  let round = 0;
  for (let place = start; place <= last; place += stride) {
    round += stay(place);
    ends.push(round);
  }
  return (iteration: number) => {
    const within = rollBack ? iteration % round : Math.min(iteration, round - 1);
    return start + stride * ends.findIndex((end) => within < end);
  };
}
