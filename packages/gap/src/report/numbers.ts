import type { Summary } from "../statistics/summarise.ts";

/** Half the length of a 95 % interval of a mean of many values. */
const reach = 1.96;

/** A mean with its 95 % interval, as `1.413 ± 0.017`. */
export const plusMinus = ({ mean, sem }: Summary): string => `${signed(mean)} ± ${(reach * sem).toFixed(3)}`;

/** Three decimals, with a minus as long as a plus. */
export const signed = (value: number): string => (value < 0 ? `−${(-value).toFixed(3)}` : value.toFixed(3));

/** The ends of a mean's 95 % interval, for error bars. */
export const ends = ({ mean, sem }: Summary): { low: number; mean: number; high: number } => ({
  low: mean - reach * sem,
  mean,
  high: mean + reach * sem,
});
