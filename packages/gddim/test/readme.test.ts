import { readFileSync } from "node:fs";
import { formatWithOptions } from "node:util";
import { expect, test, vi } from "vitest";

test("the README's example is this folder's readme.js, and prints what the README says", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  expect(readme).toContain(readFileSync(new URL("readme.js", import.meta.url), "utf8").trim());
  const lines: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((...parts) => {
    lines.push(formatWithOptions({ colors: false }, ...parts));
  });
  await import("./readme.js" as string);
  log.mockRestore();
  expect(lines.length).toBe(10);
  expect(readme).toContain(lines.join("\n"));
});
