#!/usr/bin/env node
// The C library out of an installed npm package: flags for its clients, and its build.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const library = join(root, "build", "library");
const lib = join(library, "lib");
const usage = `usage: etalon-native <what>

  build [--cuda]     builds the addons and libetalon (needs CMake and a C++20 compiler; --cuda: nvcc)
  prebuild [--cuda]  builds, and puts the addons into prebuilds/${process.platform}-${process.arch}: for machines without a compiler

  --cflags           compiler flags of a client    cc client.c $(npx etalon-native --cflags --libs)
  --libs             linker flags of a client
  --library          path of the shared library, for dlopen and ctypes
  --cmake-dir        for find_package(etalon)      cmake -Detalon_DIR=$(npx etalon-native --cmake-dir) …
  --pkg-config-dir   for pkg-config etalon         PKG_CONFIG_PATH=$(npx etalon-native --pkg-config-dir) pkg-config …
  --version          of the package
`;

function fail(message, code) {
  console.error(message);
  process.exit(code);
}

const asked = process.argv.slice(2);
const [what, ...rest] = asked;
if (what === "build" || what === "prebuild") {
  const unknown = rest.find((flag) => flag !== "--cuda");
  if (unknown) fail(`etalon-native ${what}: ${unknown} is no option; allowed: --cuda.`, 2);
  const flags = [what === "prebuild" ? "--prebuild" : "--required", ...rest];
  const { status } = spawnSync(process.execPath, [join(root, "scripts", "build.mjs"), ...flags], { stdio: "inherit" });
  process.exit(status ?? 1);
}
if (what === "--help" || what === "-h") {
  process.stdout.write(usage);
  process.exit(0);
}

const answers = {
  "--cflags": () => `-I${join(root, "include")}`,
  "--libs": () => `-L${lib} -letalon -Wl,-rpath,${lib}`,
  "--library": () => join(lib, `libetalon.${process.platform === "darwin" ? "dylib" : "so"}`),
  "--cmake-dir": () => join(lib, "cmake", "etalon"),
  "--pkg-config-dir": () => join(lib, "pkgconfig"),
  "--version": () => JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version,
};
const unbuilt = ["--cflags", "--version"]; // what can be said without a library
if (asked.length === 0) fail(usage.trimEnd(), 2);
const unknown = asked.find((flag) => !(flag in answers));
if (unknown)
  fail(`etalon-native: ${unknown} is unknown; allowed: build, prebuild, ${Object.keys(answers).join(", ")}.`, 2);
if (asked.some((flag) => !unbuilt.includes(flag)) && !existsSync(join(lib, "cmake", "etalon", "etalonConfig.cmake"))) {
  fail('etalon-native: the library is not built here; run "npx etalon-native build".', 1);
}
console.log(asked.map((flag) => answers[flag]()).join(" "));
