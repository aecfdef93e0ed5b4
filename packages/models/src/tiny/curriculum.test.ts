import { expect, test } from "vitest";
import { curriculum, stageAt } from "./curriculum.ts";

test("stages follow each other, the first from the start", () => {
  const begins = curriculum.map(({ from }) => from);
  expect(begins[0]).toBe(0);
  expect(begins).toEqual([...begins].sort((a, b) => a - b));
  expect([0, 669, 670, 999].map((step) => curriculum.indexOf(stageAt(step, 1000)))).toEqual([0, 0, 1, 1]);
});
