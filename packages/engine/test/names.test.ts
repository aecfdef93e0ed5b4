import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { engineNames } from "../src/index.ts";

const packages = fileURLToPath(new URL("../../", import.meta.url));
const quoted = new RegExp(`["'\`](${engineNames.filter((name) => name !== "auto").join("|")})["'\`]`);
const named = (source: string) => source.split("\n").filter((line) => quoted.test(line));

test("outside this package no source names an engine: what differs is asked for by traits", () => {
  expect(named('a === "wasm"\nb === "auto"\nc = ["tfjs-node-gpu"]')).toHaveLength(2);
  const rooms = readdirSync(packages).filter((room) => room !== "engine");
  const files = rooms.flatMap((room) =>
    readdirSync(join(packages, room, "src"), { recursive: true })
      .map((file) => join(room, "src", String(file)))
      .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts")),
  );
  expect(files.length).toBeGreaterThan(200);
  const hits = files.flatMap((file) => named(readFileSync(join(packages, file), "utf8")).map((line) => `${file}: ${line.trim()}`)); // biome-ignore format: one thought
  expect(hits).toEqual(['cli/src/commands/doctor.ts: what: "native",']); // the addon's own line, which is about no engine
});
