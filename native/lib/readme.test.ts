import { readFileSync } from "node:fs";
import { format } from "node:util";
import { expect, test } from "vitest";
import * as native from "./index.ts";

test("the README's code prints what the README says", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const block = (language: string) => readme.split(`\`\`\`${language}\n`)[1].split("```")[0];
  const code = block("js").replace(/import (\{.*?\}) from "@etalon\/native";/, "const $1 = native;");
  const lines: string[] = [];
  const log = (...values: unknown[]) => lines.push(format(...values));
  new Function("native", "console", code)(native, { log });
  expect(`${lines.join("\n")}\n`).toBe(block("text"));
});
