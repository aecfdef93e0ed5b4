import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engine, tf } from "@etalon/engine";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { coloursAsEmoji } from "../test/emojiCase.ts";
import { loadPipeline } from "./loadPipeline.ts";
import { type PretrainProgress, type PretrainRun, pretrain } from "./pretrain.ts";

const root = mkdtempSync(join(tmpdir(), "etalon-"));
const network = { num_single_layers: 1, num_attention_heads: 2, attention_head_dim: 16 };
const settings = { data: coloursAsEmoji(), network, batch: 2, steps: 4, warmup: 1, checkpointEvery: 3, seed: 3 };

beforeAll(async () => {
  await engine();
});
afterAll(() => rmSync(root, { recursive: true }));

async function run(options: PretrainRun): Promise<PretrainProgress[]> {
  const progress: PretrainProgress[] = [];
  for await (const update of pretrain(options)) progress.push(update);
  return progress;
}

const bytes = (folder: string) => readFileSync(join(folder, "diffusion_pytorch_model.safetensors"));

describe("a run", () => {
  const whole = join(root, "whole");
  let progress: PretrainProgress[];
  let stages: string[];

  beforeAll(async () => {
    stages = [];
    const before = tf.memory().numTensors;
    progress = await run({ ...settings, out: whole, onProgress: ({ stage, done }) => stages.push(`${stage} ${done}`) });
    expect(tf.memory().numTensors).toBe(before);
  });

  test("tells every update, keeps a log, a picture a checkpoint, and a model that loads", async () => {
    expect(progress.map(({ step, saved }) => [step, saved])).toEqual([
      [1, undefined],
      [2, undefined],
      [3, whole],
      [4, whole],
    ]);
    expect(stages).toEqual(["data 0", "pretrain 1", "pretrain 2", "pretrain 3", "pretrain 4"]);
    expect(readdirSync(join(whole, "samples"))).toEqual(["000003.png", "000004.png"]);
    const log = readFileSync(join(whole, "log.jsonl"), "utf8").trim().split("\n");
    expect(log.map((line) => (JSON.parse(line) as PretrainProgress).loss)).toEqual(progress.map(({ loss }) => loss));
    const pipeline = await loadPipeline(whole);
    expect(pipeline.unknownWords(["red square heart"])).toEqual(["heart"]);
    pipeline.dispose();
  });

  test("stopped and resumed gives the same losses and the same weights, bit by bit", async () => {
    const out = join(root, "parts");
    const losses: number[] = [];
    for await (const { step, loss } of pretrain({ ...settings, out })) {
      losses.push(loss);
      if (step === 2) break;
    }
    renameSync(join(out, "checkpoint"), join(out, ".checkpoint-old")); // as a kill between two renames leaves it
    for (const { loss } of await run({ data: settings.data, out, resume: true })) losses.push(loss);
    expect(losses).toEqual(progress.map(({ loss }) => loss));
    expect(bytes(out).equals(bytes(whole))).toBe(true);
  });

  test("is not overwritten, and what is not there is not resumed", async () => {
    await expect(run({ ...settings, out: whole })).rejects.toThrow(
      "allowed: a folder without a run. Resume goes on with it.",
    );
    await expect(run({ ...settings, out: join(root, "none"), resume: true })).rejects.toThrow(
      "allowed: a folder with a checkpoint.",
    );
  });

  test("that is aborted says so, and leaves its checkpoint", async () => {
    const controller = new AbortController();
    const out = join(root, "aborted");
    const onProgress = ({ done }: { done: number }) => done === 1 && controller.abort();
    await expect(run({ ...settings, out, signal: controller.signal, onProgress })).rejects.toThrow(
      "stopped after update 1; resume goes on from there",
    );
    expect(existsSync(join(out, "checkpoint", "state.json"))).toBe(true);
  });

  test("ends at its time limit, with a checkpoint", async () => {
    const out = join(root, "timed");
    expect((await run({ ...settings, out, seconds: 1e-4 })).length).toBeLessThan(4);
    const rest = await run({ data: settings.data, out, resume: true });
    expect(rest.at(-1)).toMatchObject({ step: 4, loss: progress[3].loss });
  });
});

test.each([
  [{ out: "" }, "out is"],
  [{ steps: 0 }, "steps is 0"],
  [{ batch: 1.5 }, "batch is 1.5"],
  [{ seconds: Number.NaN }, "seconds is NaN"],
  [{ learningRate: -1 }, "learningRate is -1"],
  [{ preset: "big" as "tiny" }, 'preset is "big"; allowed: tiny'],
])("refuses %o before it fetches or writes anything", async (wrong, message) => {
  const out = join(root, "refused");
  await expect(run({ ...settings, out, ...wrong })).rejects.toThrow(message);
  expect(existsSync(out)).toBe(false);
});
