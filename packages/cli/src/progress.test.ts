import { afterEach, expect, test, vi } from "vitest";
import { progressBar } from "./progress.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("without a terminal: a line at most every ten seconds, with the time that is left, and each stage's first and last", () => {
  vi.useFakeTimers();
  const lines: string[] = [];
  vi.spyOn(process.stderr, "write").mockImplementation((text) => lines.push(String(text)) > 0);
  const bar = progressBar();
  bar.update({ stage: "train", done: 0, total: 4 });
  vi.advanceTimersByTime(6000);
  bar.update({ stage: "train", done: 0.5, total: 4, note: "rollout 5/10" });
  vi.advanceTimersByTime(6000);
  bar.update({ stage: "train", done: 1.5, total: 4, note: "update 1/1" });
  vi.advanceTimersByTime(20_000);
  bar.update({ stage: "train", done: 4, total: 4 });
  bar.update({ stage: "report", done: 0, total: 1 });
  bar.stop();
  expect(lines).toEqual([
    "[0 s] train 0/4\n",
    "[12 s] train 1/4, 20 s left, update 1/1\n",
    "[32 s] train 4/4\n",
    "[32 s] report 0/1\n",
  ]);
});

test.each([
  [100, "100 s"],
  [600, "10 min"],
  [27_000, "7.5 h"],
])("what is left, %d s, is told as %s", (left, told) => {
  vi.useFakeTimers();
  const lines: string[] = [];
  vi.spyOn(process.stderr, "write").mockImplementation((text) => lines.push(String(text)) > 0);
  const bar = progressBar();
  bar.update({ stage: "train", done: 0, total: 2 });
  vi.advanceTimersByTime(1000 * left);
  bar.update({ stage: "train", done: 1, total: 2 });
  expect(lines.at(-1)).toContain(`train 1/2, ${told} left`);
});
