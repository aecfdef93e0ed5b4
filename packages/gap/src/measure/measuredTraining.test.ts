import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engine } from "@etalon/engine";
import { defineReward } from "@etalon/rewards";
import { openRun, parseTrainConfig } from "@etalon/trainers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EpochGap, measuredTraining, type TrainingEvent } from "./measuredTraining.ts";
import { measureGap } from "./measureGap.ts";

let root = "";
beforeAll(async () => {
  await engine();
  root = mkdtempSync(join(tmpdir(), "etalon-measured-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const config = parseTrainConfig({
  reward: "jpeg-incompressibility",
  sampler: { steps: 2, eta: 1.2 },
  train: { epochs: 3, promptsPerEpoch: 2, groupSize: 2, trainedSteps: 1, updatesPerEpoch: 2, learningRate: 1e-3 },
  checkpoint: { every: 2, keep: 2 },
  measure: { every: 2, steps: 2, samples: 6 },
});

/** Trains until `stop` says so, and tells what happened as `update 1`, `gap 0`. */
async function train(out: string, stop: (event: TrainingEvent) => boolean = () => false, signal?: AbortSignal) {
  const trainer = await openRun({ config, out, resume: true, signal });
  const events: string[] = [];
  try {
    for await (const event of measuredTraining(trainer, { signal })) {
      events.push(event.kind === "gap" ? `gap ${event.gap.epoch}` : `update ${event.metrics.step}`);
      if (stop(event)) break;
    }
  } finally {
    await trainer.close();
  }
  return events;
}
const gapFile = (out: string) => join(out, "gap.jsonl");
const linesOf = (out: string): EpochGap[] =>
  readFileSync(gapFile(out), "utf8").trim().split("\n").map((line) => JSON.parse(line)); // biome-ignore format: short

test("measures before, every so many epochs, and after; a line each, which starts with the contract's keys", async () => {
  const out = join(root, "whole");
  const events = await train(out);
  expect(events).toEqual([
    "gap 0",
    "update 1",
    "update 2",
    "update 3",
    "gap 2",
    "update 4",
    "update 5",
    "gap 3",
    "update 6",
  ]);
  const lines = linesOf(out);
  expect(lines.map(({ epoch }) => epoch)).toEqual([0, 2, 3]);
  const keys = ["epoch", "eta", "steps", "guidance", "n", "reward", "sde", "ode", "gap"];
  for (const line of lines) {
    expect(Object.keys(line)).toEqual(keys);
    expect(line).toMatchObject({ eta: 1.2, steps: 2, n: 6, reward: "jpeg-incompressibility" });
    expect(line.gap.mean).toBeCloseTo(line.sde.mean - line.ode.mean, 12);
  }
  expect(lines[2].ode.mean).not.toBe(lines[0].ode.mean); // the same pictures by a model that has learned
});

test("stopped anywhere and resumed, it writes the same lines", async () => {
  const whole = join(root, "whole");
  for (const [name, stop] of Object.entries<(event: TrainingEvent) => boolean>({
    "first-gap": ({ kind }) => kind === "gap",
    "after-2": (event) => event.kind === "gap" && event.gap.epoch === 2,
    "in-3": (event) => event.kind === "metrics" && event.metrics.step === 5,
  })) {
    const out = join(root, name);
    await train(out, stop);
    await train(out);
    expect(readFileSync(gapFile(out), "utf8")).toBe(readFileSync(gapFile(whole), "utf8"));
  }
});

test("lines past the checkpoint, and one that a kill cut short, are measured again", async () => {
  const [whole, out] = [join(root, "whole"), join(root, "past")];
  await train(out, (event) => event.kind === "gap" && event.gap.epoch === 2);
  const [first, second] = linesOf(out);
  const wrong = { ...second, epoch: 3 };
  writeFileSync(
    gapFile(out),
    `${[first, second, wrong].map((line) => JSON.stringify(line)).join("\n")}\n{"epoch":3,"et`,
  );
  await train(out);
  expect(readFileSync(gapFile(out), "utf8")).toBe(readFileSync(gapFile(whole), "utf8"));
});

test("a signal while it measures saves the run and throws ABORTED", async () => {
  const out = join(root, "aborted");
  const stop = new AbortController();
  const trainer = await openRun({ config, out, signal: stop.signal });
  const onProgress = ({ note }: { note?: string }) => note?.startsWith("SDE samples") && stop.abort();
  const watch = { signal: stop.signal, onProgress };
  const run = async () => {
    for await (const event of measuredTraining(trainer, watch)) expect(event.kind).toBe("metrics");
  };
  await expect(run()).rejects.toMatchObject({ code: "ABORTED" });
  await trainer.close();
  expect(existsSync(join(out, "checkpoints", "000000", "state.json"))).toBe(true);
});

test("both samplers are on the training's time grid: they follow sampler.shift", async () => {
  const shifted = { ...config, sampler: { ...config.sampler, shift: 3 }, measure: { ...config.measure, steps: 4 } };
  const trainer = await openRun({ config: shifted });
  try {
    const events = measuredTraining(trainer);
    const { value } = await events.next();
    const { pipeline, reward, prompts } = trainer;
    const of = (shift?: number) => measureGap({ pipeline, reward, prompts, eta: 1.2, rule: "gddim", steps: 4, n: 6, guidance: 1, seed: 2 ** 32, shift }); // biome-ignore format: one thought
    const [same, other] = [(await of(3)).line, (await of()).line];
    expect(value).toMatchObject({ kind: "gap", gap: { epoch: 0, sde: same.sde, ode: same.ode, gap: same.gap } });
    expect([other.sde.mean !== same.sde.mean, other.ode.mean !== same.ode.mean]).toEqual([true, true]);
  } finally {
    await trainer.close();
  }
});

test("a reward that fails in a measurement: the epochs that are done are saved, though no grid can be scored", async () => {
  const out = join(root, "reward gone");
  const often = { ...config, checkpoint: { ...config.checkpoint, every: 3 }, measure: { ...config.measure, every: 1 } };
  let left = 4; // the first grid, both samplers of the first measurement, the first epoch
  const reward = defineReward("gone", ({ count }) => {
    if (left-- > 0) return new Float32Array(count).fill(1);
    throw new Error("no answer");
  });
  const trainer = await openRun({ config: often, out, reward });
  const train = async () => {
    for await (const { kind } of measuredTraining(trainer)) expect(kind).toBeTypeOf("string");
  };
  await expect(train()).rejects.toMatchObject({ code: "BAD_REWARD", message: "reward gone threw: Error: no answer" });
  await trainer.close();
  expect(existsSync(join(out, "checkpoints", "000001", "state.json"))).toBe(true);
  expect(linesOf(out).map(({ epoch }) => epoch)).toEqual([0]);
});
