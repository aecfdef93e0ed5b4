import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";

const read = (file: string) => readFileSync(new URL(file, import.meta.url), "utf8");

test("the README shows test/readme.ts, which prints a line an epoch and leaves the folder it names", async () => {
  expect(read("../README.md")).toContain(read("readme.ts"));
  const [before, folder] = [process.cwd(), mkdtempSync(join(tmpdir(), "etalon-readme-"))];
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  process.chdir(folder);
  try {
    await import("./readme.ts");
    const lines = log.mock.calls;
    expect(lines.map(([epoch]) => epoch)).toEqual([1, 2, 3]);
    for (const [, reward, ratio] of lines) {
      expect(reward).toMatch(/^-?\d+\.\d\d$/);
      expect(ratio).toBeCloseTo(1, 5); // one update an epoch: on policy
    }
    expect(existsSync("runs/green/checkpoints/000003/pytorch_lora_weights.safetensors")).toBe(true);
    expect(existsSync("runs/green/samples/000000.png")).toBe(true);
  } finally {
    process.chdir(before);
    log.mockRestore();
    rmSync(folder, { recursive: true });
  }
});
