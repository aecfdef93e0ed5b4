import { readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";

const read = (file: string) => readFileSync(new URL(file, import.meta.url), "utf8");

test("the README shows test/readme.ts, which prints what it says", async () => {
  const readme = read("../README.md");
  expect(readme).toContain(read("../test/readme.ts"));
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  await import("../test/readme.ts");
  const printed = log.mock.calls.map(([text]) => String(text));
  log.mockRestore();
  expect(printed[0]).toMatch(/^measured -?\d\.\d{3} ± \d\.\d{3}$/);
  expect(readme).toContain(printed[1]);
});
