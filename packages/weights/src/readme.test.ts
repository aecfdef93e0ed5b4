import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as weights from "./index.ts";

test("the README's example prints what the README says", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const [, code] = readme.match(/```js\n([\s\S]*?)```/) ?? [];
  const [, output] = readme.match(/```text\n([\s\S]*?)```/) ?? [];
  const folder = mkdtempSync(join(tmpdir(), "etalon-readme-"));
  const printed: string[] = [];
  const body = code
    .replace(/import (.*) from "@etalon\/weights";/, "const $1 = weights;")
    .replaceAll('"tiny.safetensors"', JSON.stringify(join(folder, "tiny.safetensors")));
  try {
    new Function("weights", "console", body)(weights, { log: (...items: unknown[]) => printed.push(items.join(" ")) });
    expect(`${printed.join("\n")}\n`).toBe(output);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
