import type { Binding } from "../binding.ts";
import { numberOf } from "./float16.ts";

/** Counts NaN, infinite and subnormal numbers, and finds the first of each. */
export const inspect: Binding["inspect"] = (array, half, found) => {
  const smallest = array instanceof Uint16Array && half === 2 ? 2 ** -14 : 2 ** -126;
  found.fill(0, 0, 3).fill(-1, 3);
  for (let i = 0; i < array.length; i++) {
    const size = Math.abs(numberOf(array, half, array[i]));
    const kind = Number.isNaN(size) ? 0 : size === Infinity ? 1 : size !== 0 && size < smallest ? 2 : -1;
    if (kind < 0) continue;
    found[kind] += 1;
    if (found[3 + kind] < 0) found[3 + kind] = i;
  }
};
