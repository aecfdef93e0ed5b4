import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Metrics } from "../Trainer.ts";
import { appendLines } from "./appendLines.ts";
import { latestCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { truncateMetrics } from "./truncateMetrics.ts";

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "etalon-checkpoint-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const line = (step: number) => ({ step }) as Metrics;

test("keeps the newest, by number", () => {
  const folder = join(root, "keep");
  for (const epoch of [9, 10, 999_999, 1_000_000]) {
    writeCheckpoint(folder, epoch, (place) => writeFileSync(join(place, "state.json"), `${epoch}`), 3);
  }
  expect(readdirSync(folder).sort()).toEqual(["000010", "1000000", "999999"]);
  expect(latestCheckpoint(folder)).toBe(join(folder, "1000000"));
});

test("a write that fails leaves nothing of itself, and the older ones as they were", () => {
  const folder = join(root, "full");
  writeCheckpoint(folder, 5, (place) => writeFileSync(join(place, "state.json"), "5"), 1);
  const fill = (place: string) => {
    writeFileSync(join(place, "state.json"), "10");
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  };
  expect(() => writeCheckpoint(folder, 10, fill, 1)).toThrow(/000010.*ENOSPC: no space left on device, write\.$/);
  expect(readdirSync(folder)).toEqual(["000005"]);
});

test("what a kill left unfinished is no checkpoint, and is swept away by the next", () => {
  const folder = join(root, "left");
  writeCheckpoint(folder, 5, () => undefined, 1);
  rmSync(join(folder, ".000010.partial"), { recursive: true, force: true });
  writeFileSync(join(folder, ".000010.partial"), "");
  expect(latestCheckpoint(folder)).toBe(join(folder, "000005"));
  writeCheckpoint(folder, 10, () => undefined, 1);
  expect(readdirSync(folder)).toEqual(["000010"]);
});

test.skipIf(process.platform !== "linux")("a full disk is an IO error that says so", () => {
  expect(() => appendLines("/dev/full", [line(1)])).toThrow(/^file is "\/dev\/full".*ENOSPC/);
});

test("metrics are cut to the checkpoint's step, a half-written line included; missing ones are refused", () => {
  const file = join(root, "metrics.jsonl");
  appendLines(file, [line(1), line(2)]);
  appendLines(file, [line(3)]);
  writeFileSync(file, '{"ste', { flag: "a" });
  truncateMetrics(file, 2);
  appendLines(file, [line(3)]);
  expect(() => truncateMetrics(file, 4)).toThrow("one line for each of the 4 updates");
  expect(() => truncateMetrics(file, 3)).not.toThrow();
});
