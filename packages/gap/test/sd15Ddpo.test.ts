import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeTinyStableDiffusion } from "@etalon/models";
import { openRun, parseTrainConfig } from "@etalon/trainers";
import { afterAll, expect, test } from "vitest";
import { measuredTraining } from "../src/index.ts";

const folder = mkdtempSync(join(tmpdir(), "etalon-sd15-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const example = JSON.parse(readFileSync(fileURLToPath(new URL("../../../examples/sd15-ddpo/ddpo.json", import.meta.url)), "utf8")); // biome-ignore format: one thought

test("examples/sd15-ddpo is DDPO's published setting, and on tiny sizes it trains, stops, resumes and measures its gap", async () => {
  const { sampler, train, prompts } = parseTrainConfig(example);
  expect([prompts, sampler.steps, sampler.guidance, sampler.eta, train.lora.rank, train.learningRate, train.clip]).toEqual(["simple-animals", 50, 5, 1.2, 4, 3e-4, 1e-4]); // biome-ignore format: one thought
  const [model, out] = [join(folder, "model"), join(folder, "run")];
  writeTinyStableDiffusion(model);
  const small = ["sampler.steps=3", "train.promptsPerEpoch=2", "train.updatesPerEpoch=1", "checkpoint.every=1", "measure.every=3", "measure.steps=3", "measure.samples=4"]; // biome-ignore format: a list
  const lines: string[] = [];
  for (const epochs of [1, 3]) {
    const trainer = await openRun({ config: parseTrainConfig({ ...example, model }, [...small, `train.epochs=${epochs}`]), out, resume: existsSync(out) }); // biome-ignore format: one thought
    for await (const event of measuredTraining(trainer)) lines.push(event.kind === "gap" ? `gap ${event.gap.epoch}` : `update ${event.metrics.step}`); // biome-ignore format: one thought
    await trainer.close();
  }
  expect(lines).toEqual(["gap 0", "update 1", "gap 1", "update 2", "update 3", "gap 3"]);
  const gaps = readFileSync(join(out, "gap.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line)); // biome-ignore format: short
  expect(gaps.every(({ n, eta, gap }) => n === 4 && eta === 1.2 && Number.isFinite(gap.mean))).toBe(true);
  expect(existsSync(join(out, "checkpoints", "000003", "pytorch_lora_weights.safetensors"))).toBe(true);
});
