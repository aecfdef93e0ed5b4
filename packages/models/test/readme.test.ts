import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { format } from "node:util";
import { expect, test, vi } from "vitest";

test("the README's example is this folder's readme.js, and prints what the README says", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  expect(readme).toContain(readFileSync(new URL("readme.js", import.meta.url), "utf8").trim());
  const lines: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((...parts) => void lines.push(format(...parts)));
  const [home, folder] = [process.cwd(), mkdtempSync(join(tmpdir(), "etalon-"))];
  process.chdir(folder);
  try {
    await import("./readme.js" as string);
    expect(existsSync("hearts.png")).toBe(true);
    expect(existsSync("adapter/pytorch_lora_weights.safetensors")).toBe(true);
  } finally {
    process.chdir(home);
    rmSync(folder, { recursive: true });
    log.mockRestore();
  }
  expect(lines).toHaveLength(2);
  expect(readme).toContain(lines.join("\n"));
});
