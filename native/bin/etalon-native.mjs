#!/usr/bin/env node
// etalon-native build [--cuda] | --cflags | --libs | --cmake-dir: the C library out of an installed npm package.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const library = join(root, "build", "Release");
const usage = `usage: etalon-native <what>

  build [--cuda]  builds the addon and libetalon (needs CMake and a C++ compiler; --cuda: nvcc)
  --cflags        compiler flags of a client        cc client.c $(npx etalon-native --cflags --libs)
  --libs          linker flags of a client
  --cmake-dir     for CMake                         cmake -Detalon_DIR=$(npx etalon-native --cmake-dir) …
`;
const [what, ...rest] = process.argv.slice(2);

function fail(message, code) {
  console.error(message);
  process.exit(code);
}

if (what === "build") {
  const unknown = rest.find((flag) => flag !== "--cuda");
  if (unknown) fail(`etalon-native build: ${unknown} is no option; allowed: --cuda.`, 2);
  process.exit(
    spawnSync(process.execPath, [join(root, "scripts", "build.mjs"), "--required", ...rest], { stdio: "inherit" })
      .status ?? 1,
  );
}
if (what === "--help" || what === "-h") {
  process.stdout.write(usage);
  process.exit(0);
}
const answers = {
  "--cflags": () => `-I${join(root, "include")}`,
  "--libs": () => `-L${library} -letalon -Wl,-rpath,${library}`,
  "--cmake-dir": () => join(root, "build", "cmake"),
};
const asked = process.argv.slice(2);
if (asked.length === 0) fail(usage.trimEnd(), 2);
const unknown = asked.find((flag) => !(flag in answers));
if (unknown) fail(`etalon-native: ${unknown} is unknown; allowed: build, ${Object.keys(answers).join(", ")}.`, 2);
if (
  asked.some((flag) => flag !== "--cflags") &&
  !existsSync(join(library, "libetalon.so")) &&
  !existsSync(join(library, "libetalon.dylib"))
) {
  fail('etalon-native: the library is not built here; run "npx etalon-native build".', 1);
}
console.log(asked.map((flag) => answers[flag]()).join(" "));
