import { fileURLToPath } from "node:url";
import { ended, spawnSource } from "@etalon/testkit";
import { expect, test } from "vitest";
import { started } from "./startEngine.ts";

// That the runner of tfjs-core's own tests can fail; all of them are `npm run test:conformance`.
const runner = fileURLToPath(new URL("conformance/run.mjs", import.meta.url));
const run = (filter: string) => ended(spawnSource(runner, ["--engine", started.name, "--filter", filter]));

test("a suite that is found passes", async () => {
  const { code, stdout, stderr } = await run("softmax");
  expect(stdout, stderr).toMatch(/: [1-9]\d* passed, 0 failed/);
  expect(code).toBe(0);
});

test("a run in which nothing ran fails", async () => {
  const { code, stdout } = await run("no test has this name");
  expect(stdout).toContain("TOO FEW: 0 passed; allowed: at least 1");
  expect(code).toBe(1);
});
