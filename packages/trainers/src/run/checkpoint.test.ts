import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Metrics } from "../Trainer.ts";
import { appendLines } from "./appendLines.ts";
import { bestCheckpoint, epochName, latestCheckpoint, mendBest, writeCheckpoint } from "./checkpoint.ts";
import type { Learner } from "./Learner.ts";
import { Saver } from "./Saver.ts";
import { truncateMetrics } from "./truncateMetrics.ts";

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "etalon-checkpoint-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const line = (step: number) => ({ step }) as Metrics;

/** Writes a state with an ODE reward, and nothing else. */
const state = (mean?: number) => (place: string) =>
  writeFileSync(join(place, "state.json"), JSON.stringify(mean === undefined ? {} : { ode: { mean, sem: 0.1 } }));

test("keeps the newest, by number", async () => {
  const folder = join(root, "keep");
  for (const epoch of [9, 10, 999_999, 1_000_000]) await writeCheckpoint(folder, { epoch, fill: state(), keep: 3 });
  expect(readdirSync(folder).sort()).toEqual(["000010", "1000000", "999999"]);
  expect(latestCheckpoint(folder)).toBe(join(folder, "1000000"));
  expect(bestCheckpoint(folder)).toBeUndefined();
});

test("keeps the best by ODE reward beside the newest, the earlier of equals, and names it in best.json", async () => {
  const [run, folder] = [join(root, "best"), join(root, "best", "checkpoints")];
  const best = () => JSON.parse(readFileSync(join(run, "best.json"), "utf8"));
  const told: boolean[] = [];
  for (const [epoch, mean] of [[1, 0.2], [2, 0.7], [3, 0.7], [4, -3], [5, 0.1]]) // biome-ignore format: a list
    told.push((await writeCheckpoint(folder, { epoch, fill: state(mean), keep: 2 })).best);
  expect(told).toEqual([true, true, false, false, false]);
  expect(readdirSync(folder).sort()).toEqual(["000002", "000004", "000005"]);
  expect(best()).toEqual({ epoch: 2, folder: "checkpoints/000002", ode: { mean: 0.7, sem: 0.1 } });
  await writeCheckpoint(folder, { epoch: 6, fill: state(0.8), keep: 2 });
  expect(readdirSync(folder).sort()).toEqual(["000005", "000006"]);
  writeFileSync(join(run, "best.json"), "{"); // or one checkpoint behind, after a kill
  mendBest(folder);
  expect(best()).toEqual({ epoch: 6, folder: "checkpoints/000006", ode: { mean: 0.8, sem: 0.1 } });
});

test("its files are written when it returns, and it is a checkpoint when the promise settles", async () => {
  const folder = join(root, "later");
  const written = writeCheckpoint(folder, { epoch: 7, fill: state(1), keep: 1 });
  expect(readdirSync(folder)).toEqual([".000007.partial"]);
  expect(readdirSync(join(folder, ".000007.partial"))).toEqual(["state.json"]);
  expect(latestCheckpoint(folder)).toBeUndefined();
  await written;
  expect(latestCheckpoint(folder)).toBe(join(folder, "000007"));
});

test("a write that fails leaves nothing of itself, and the older ones as they were", async () => {
  const folder = join(root, "full");
  await writeCheckpoint(folder, { epoch: 5, fill: state(), keep: 1 });
  const fill = (place: string) => {
    writeFileSync(join(place, "state.json"), "10");
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  };
  expect(() => writeCheckpoint(folder, { epoch: 10, fill, keep: 1 })).toThrow(
    /000010.*ENOSPC: no space left on device, write\.$/,
  );
  expect(readdirSync(folder)).toEqual(["000005"]);
});

test("what a kill left unfinished is no checkpoint, and is swept away by the next", async () => {
  const folder = join(root, "left");
  await writeCheckpoint(folder, { epoch: 5, fill: () => undefined, keep: 1 });
  writeFileSync(join(folder, ".000010.partial"), "");
  mkdirSync(join(folder, ".000012.partial"));
  expect(latestCheckpoint(folder)).toBe(join(folder, "000005"));
  await writeCheckpoint(folder, { epoch: 10, fill: () => undefined, keep: 1 });
  expect(readdirSync(folder)).toEqual(["000010"]);
});

describe("the saver", () => {
  const learner = (epoch: number, fail = false) =>
    ({
      standing: { epoch },
      write: (place: string) => (fail ? rmSync(place, { recursive: true }) : state(epoch)(place)),
    }) as unknown as Learner;

  test("tells a checkpoint only when it is on the disk; one at a time; the same epoch once", async () => {
    const folder = join(root, "saver");
    const saved: string[] = [];
    const saver = new Saver(folder, { keep: 2, epoch: 3, onSaved: ({ epoch, best }) => saved.push(`${epoch} ${best} ${existsSync(join(folder, epochName(epoch)))}`) }); // biome-ignore format: one thought
    expect(saver.has(3)).toBe(true);
    await saver.begin(learner(4), {});
    expect(saved).toEqual([]);
    await saver.begin(learner(5), {});
    expect(saved).toEqual(["4 true true"]);
    await saver.settle();
    expect(saved).toEqual(["4 true true", "5 true true"]);
  });

  test("what fails in the background is thrown at the next call, once; then it may be tried again", async () => {
    const folder = join(root, "saver-fails");
    const saver = new Saver(folder, { keep: 2, epoch: -1 });
    await saver.begin(learner(4, true), {}); // its folder is gone before it is brought to the disk
    await expect(saver.begin(learner(5), {})).rejects.toThrow(/^file is ".*000004".*ENOENT/);
    expect([saver.has(4), readdirSync(folder)]).toEqual([false, []]);
    await saver.begin(learner(4), {});
    await saver.settle();
    expect(latestCheckpoint(folder)).toBe(join(folder, "000004"));
  });
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
