// Builds the addon where CMake and a C++ compiler are; says in one line what to do where they are not, and succeeds: the portable form serves.
// node scripts/build.mjs [--cuda] [--required]    --required: a machine that cannot build is an error
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(import.meta.url);
const cuda = process.argv.includes("--cuda");
const required = cuda || process.argv.includes("--required");

const runs = (command) => spawnSync(command, ["--version"], { stdio: "ignore" }).status === 0;
const compilers = [process.env.CXX, "c++", "g++", "clang++"].filter(Boolean);
const missing = [runs("cmake") ? "" : "CMake", compilers.some(runs) ? "" : "a C++ compiler"].filter(Boolean);
if (missing.length > 0) {
  console.error(
    `@etalon/native: ${missing.join(" and ")} not found: the portable form will do, some ten times slower. Install and run "npx etalon-native build".`,
  );
  process.exit(required ? 1 : 0);
}

const cmakeJs = join(dirname(require.resolve("cmake-js/package.json")), "bin", "cmake-js");
const include = dirname(require.resolve("node-addon-api/package.json"));
const options = [
  `--CDETALON_NODE_ADDON_API=${include}`,
  `--CDETALON_CUDA=${cuda ? "ON" : "OFF"}`,
  "--CDETALON_TESTS=OFF",
];
// cmake-js keeps the options of an older build folder: configure always, compile what changed.
for (const step of ["configure", "build"]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [cmakeJs, step, "--directory", root, "--out", join(root, "build"), "--parallel", "2", ...options],
    {
      cwd: root,
      encoding: "utf8",
      maxBuffer: 1 << 28,
    },
  );
  if (status === 0) continue;
  console.error(
    `${stdout}${stderr}\n@etalon/native: the addon did not build (above); the portable form will do, some ten times slower.`,
  );
  process.exit(required ? 1 : 0);
}
console.error("@etalon/native: build/Release/etalon.node is built.");
