import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "etalon-samplers-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("examples/samplers draws every sampler's row on the tiny default", async () => {
  const file = join(folder, "out.png");
  const [argv, lines] = [process.argv, [] as string[]];
  process.argv = ["node", "samplers.js", file, "2"];
  const log = vi.spyOn(console, "log").mockImplementation((...parts) => {
    lines.push(parts.join(" "));
  });
  await import("../../../examples/samplers/samplers.js" as string);
  log.mockRestore();
  process.argv = argv;
  expect(lines.at(-1)).toMatch(/^wrote .*out\.png, \d+ x \d+$/);
  const rows = lines.filter((line) => / \d\.\d{3}$/.test(line));
  expect(rows).toHaveLength(19);
  const [width, height] = [16, 20].map((at) => readFileSync(file).readUInt32BE(at));
  expect(lines.at(-1)).toContain(`${width} x ${height}`);
  expect(height).toBeGreaterThan(19 * 64);
});
