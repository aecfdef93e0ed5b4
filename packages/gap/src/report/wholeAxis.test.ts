import { expect, test } from "vitest";
import { wholeTicks } from "./wholeAxis.ts";

test.each([
  [1, 3, 20, [1, 2, 3]],
  [1, 1, 20, [1]],
  [1, 16, 6, [5, 10, 15]],
  [1, 12, 6, [2, 4, 6, 8, 10, 12]],
  [1, 20, 20, Array.from({ length: 20 }, (_, i) => i + 1)],
  [990, 1500, 6, [1000, 1100, 1200, 1300, 1400, 1500]],
  [0, 90_000, 9, Array.from({ length: 10 }, (_, i) => 10_000 * i)],
])("whole numbers from %d to %d, at most %d steps", (first, last, most, ticks) => {
  expect(wholeTicks(first, last, most)).toEqual(ticks);
});
