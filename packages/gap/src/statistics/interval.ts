import { check } from "@etalon/errors";
import { studentQuantile } from "./studentQuantile.ts";
import { summarise } from "./summarise.ts";

/** An estimate and its 95 % confidence interval. */
export interface Interval {
  estimate: number;
  low: number;
  high: number;
}

/**
 * The 95 % t-interval of a mean over independent groups (here: prompts), each group's values averaged first. Values of one prompt are alike, so that counting each
 * as independent would make the interval too short; over groups it speaks of prompts drawn as these were. With groups of unequal size every group counts alike.
 * @param values  one a picture    @param groups  the group of each value, any labels
 * @throws EtalonError BAD_SHAPE: lengths that differ, or fewer than two groups
 */
export function interval(values: ArrayLike<number>, groups: ArrayLike<string | number>): Interval {
  check.length("groups", groups, values.length);
  const sums = new Map<string | number, { sum: number; n: number }>();
  for (let i = 0; i < values.length; i++) {
    const entry = sums.get(groups[i]) ?? { sum: 0, n: 0 };
    sums.set(groups[i], { sum: entry.sum + values[i], n: entry.n + 1 });
  }
  check.that(sums.size >= 2, "BAD_SHAPE", {
    argument: "groups",
    value: [...sums.keys()],
    allowed: "two groups or more",
  });
  const { mean, sem } = summarise([...sums.values()].map(({ sum, n }) => sum / n));
  const reach = studentQuantile(0.975, sums.size - 1) * sem;
  return { estimate: mean, low: mean - reach, high: mean + reach };
}
