import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ended, spawnSource } from "@etalon/testkit";
import { parseTrainConfig } from "@etalon/trainers";
import { afterAll, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "etalon-sd15-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const example = fileURLToPath(new URL("../../../examples/sd15-ddpo", import.meta.url));

test("examples/sd15-ddpo is DDPO's published setting", () => {
  const { sampler, train, prompts } = parseTrainConfig(JSON.parse(readFileSync(join(example, "ddpo.json"), "utf8")));
  expect([prompts, sampler.steps, sampler.guidance, sampler.eta, train.lora.rank, train.learningRate, train.clip]).toEqual(["simple-animals", 50, 5, 1.2, 4, 3e-4, 1e-4]); // biome-ignore format: one thought
});

test("its tiny.js trains tiny sizes, stops, resumes and measures the gap, as it prints", async () => {
  const { code, stdout, stderr } = await ended(spawnSource(join(example, "tiny.js"), [folder]));
  expect(code, stderr).toBe(0);
  const number = String.raw`-?\d+\.\d+`;
  const gap = (epoch: number) => `epoch ${epoch}: gap ${number} ± ${number}\n`;
  const update = (step: number) => `update ${step}: reward ${number}, ratio 1\\.000\\d\n`;
  const adapter = join(folder, "run", "checkpoints", "000003", "pytorch_lora_weights.safetensors");
  const printed = [gap(0), update(1), gap(1), "resumed:\n", update(2), update(3), gap(3), `the adapter: ${adapter}\n`];
  expect(stdout).toMatch(new RegExp(`^${printed.join("")}$`));
  expect(existsSync(adapter)).toBe(true);
  const gaps = readFileSync(join(folder, "run", "gap.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line)); // biome-ignore format: short
  expect(gaps.map(({ epoch, n, eta }) => [epoch, n, eta])).toEqual([[0, 6, 1.2], [1, 6, 1.2], [3, 6, 1.2]]); // biome-ignore format: a list
});
