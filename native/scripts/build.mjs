// Builds the addons and libetalon where CMake and a C++ compiler are; says in one line what to do where they are not, and succeeds: the portable form serves.
// node scripts/build.mjs [--cuda] [--prebuild] [--required]
//   --prebuild  also puts the addons into prebuilds/PLATFORM-ARCH, stripped and with the C++ runtime in them    --required  a machine that cannot build is an error
// The addons end in build/Release, an installed copy of the C library in build/library.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(import.meta.url);
const [cuda, prebuild] = ["--cuda", "--prebuild"].map((flag) => process.argv.includes(flag));
const required = cuda || prebuild || process.argv.includes("--required");

function giveUp(message) {
  console.error(`@etalon/native: ${message}`);
  process.exit(required ? 1 : 0);
}

const serves = "the portable form will do, some ten times slower";
if (process.platform === "win32") giveUp(`the native library is not built on Windows yet: ${serves}.`);
const runs = (command) => spawnSync(command, ["--version"], { stdio: "ignore" }).status === 0;
const compilers = [process.env.CXX, "c++", "g++", "clang++"].filter(Boolean);
const missing = [runs("cmake") ? "" : "CMake", compilers.some(runs) ? "" : "a C++ compiler"].filter(Boolean);
if (missing.length > 0)
  giveUp(`${missing.join(" and ")} not found: ${serves}. Install and run "npx etalon-native build".`);

const build = join(root, "build");
const include = [require("node-api-headers").include_dir, dirname(require.resolve("node-addon-api/package.json"))];
const onOff = (flag) => (flag ? "ON" : "OFF");
const options = [
  "-DCMAKE_BUILD_TYPE=Release",
  "-DCMAKE_INSTALL_LIBDIR=lib",
  `-DETALON_NODE_INCLUDE=${include.join(";")}`,
  `-DETALON_CUDA=${onOff(cuda)}`,
  `-DETALON_STATIC_RUNTIME=${onOff(prebuild)}`,
  ...["MPI", "NCCL"].map((path) => `-DETALON_${path}=${onOff(!prebuild)}`), // MPIs have no common ABI; NCCL stands on them
  "-DETALON_TESTS=OFF",
];
const places = {
  library: join(build, "library"),
  addons: join(root, "prebuilds", `${process.platform}-${process.arch}`),
};
const install = (component, ...rest) => [
  "--install",
  build,
  "--prefix",
  places[component],
  "--component",
  component,
  ...rest,
];
const steps = [
  ["-S", root, "-B", build, ...options],
  ["--build", build, "--config", "Release", "--parallel", "2"],
  install("library"),
  ...(prebuild ? [install("addons", "--strip")] : []),
];
// What is there and does not work is told always; what is not there, where the build is one for GPUs.
const left = cuda ? /^-- ((?:MPI|NCCL): .* (?:left out|not built): .*)$/gm : /^-- ((?:MPI|NCCL): .* left out: .*)$/gm;
for (const step of steps) {
  const { status, stdout, stderr } = spawnSync("cmake", step, { cwd: root, encoding: "utf8", maxBuffer: 1 << 28 });
  if (status !== 0) giveUp(`the addon did not build; ${serves}.\n${stdout}${stderr}`);
  for (const [, note] of stdout.matchAll(left)) console.error(`@etalon/native: ${note}.`);
}
console.error(`@etalon/native: ${prebuild ? `${places.addons}/etalon.node` : "build/Release/etalon.node"} is built.`);
