import { expect, test } from "vitest";
import { curriculum, stageAt } from "./curriculum.ts";

test("stages follow each other, the first from the start", () => {
  const begins = curriculum.map(({ from }) => from);
  expect(begins[0]).toBe(0);
  expect(begins).toEqual([...begins].sort((a, b) => a - b));
  expect([0, 2099, 2100, 4000, 4001, 5001, 5002, 6999].map((step) => curriculum.indexOf(stageAt(step, 7000)))).toEqual([
    0, 0, 1, 1, 2, 2, 3, 3,
  ]);
});
