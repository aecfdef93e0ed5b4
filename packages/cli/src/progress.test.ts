import { afterEach, expect, test, vi } from "vitest";
import { remark } from "./output.ts";
import { progressBar } from "./progress.ts";

const { isTTY } = process.stderr;
afterEach(() => {
  process.stderr.isTTY = isTTY;
  vi.unstubAllEnvs();
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

/** What a call writes to stderr where that is a terminal. */
function onTerminal(call: () => void): string {
  const written: string[] = [];
  vi.spyOn(process.stderr, "write").mockImplementation((text) => written.push(String(text)) > 0);
  process.stderr.isTTY = true;
  call();
  return written.join("");
}

test("on a terminal a remark stands on a line of its own, and the bar goes on below it", () => {
  vi.stubEnv("TERM", "xterm");
  const text = onTerminal(() => {
    const bar = progressBar();
    bar.update({ stage: "self-check", done: 1, total: 1 });
    remark("first ratio off 1 by 0");
    remark("an epoch: 4 images");
    bar.update({ stage: "train", done: 0, total: 2 });
    bar.stop();
    remark("done");
  });
  const back = "\u001b8"; // to where the bar began: what is written then, without a new line, lies over it
  const lines = text.slice(text.indexOf(back) + back.length).split("\n");
  expect(lines.slice(0, 3)).toEqual(["", "first ratio off 1 by 0", "an epoch: 4 images"]);
  expect(lines[3]).toContain("train");
  expect(lines.slice(-2)).toEqual(["done", ""]);
});

test("a terminal that cannot move its cursor gets lines", () => {
  vi.stubEnv("TERM", "dumb");
  const text = onTerminal(() => progressBar().update({ stage: "train", done: 0, total: 2 }));
  expect(text).toBe("[0 s] train 0/2\n");
});
