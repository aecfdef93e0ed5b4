import type { Encoding } from "./layers.ts";

/** An axis with ticks at these whole numbers: updates, epochs. */
export const wholeAxis = (values: readonly number[]): Encoding => ({ values, format: ",d" });

/** At most `most` + 1 whole numbers from `first` to `last`, 1, 2 or 5 times a power of ten apart. Vega's own ticks go down to tenths where there are few numbers. */
export function wholeTicks(first: number, last: number, most: number): number[] {
  const least = (last - first) / most;
  const power = 10 ** Math.max(0, Math.floor(Math.log10(least)));
  const step = power * ([1, 2, 5].find((times) => times * power >= least) ?? 10);
  const from = Math.ceil(first / step);
  return Array.from({ length: Math.floor(last / step) - from + 1 }, (_, i) => step * (from + i));
}
