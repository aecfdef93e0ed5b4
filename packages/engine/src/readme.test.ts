import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as module from "./index.ts";

test("the README's example prints what the README says", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const [, code] = readme.match(/```js\n([\s\S]*?)```/) ?? [];
  const [, output] = readme.match(/```text\n([\s\S]*?)```/) ?? [];
  const printed: string[] = [];
  const body = code.replace(/import (.*) from "@etalon\/engine";/, "return (async () => { const $1 = module;");
  const run = new Function("module", "console", `${body} })();`);
  await run(module, { log: (...items: unknown[]) => printed.push(items.join(" ")) });
  expect(`${printed.join("\n")}\n`).toBe(output);
});
