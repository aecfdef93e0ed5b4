// Builds and runs the C++ tests, then the CPU's again under AddressSanitizer with UBSan, and under ThreadSanitizer.
// npm run test:native -w native [-- -R name]    arguments go to ctest
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./run.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const forCtest = process.argv.slice(2);

const clean = ["native_test", "dtypes_test", "mpi_collectives_test"]; // also under the sanitizers
for (const [folder, sanitizers, targets, tests] of [
  ["tests", "", [], []],
  ["tests-asan", "address,undefined", ["--target", ...clean], ["-R", clean.join("|")]],
  ["tests-tsan", "thread", ["--target", ...clean], ["-R", clean.join("|")]],
]) {
  const build = join(root, "build", folder);
  run(
    "cmake",
    "-S",
    root,
    "-B",
    build,
    "-DETALON_TESTS=ON",
    "-DCMAKE_BUILD_TYPE=Release",
    `-DETALON_SANITIZE=${sanitizers}`,
  );
  run("cmake", "--build", build, "--parallel", "2", ...targets);
  run("ctest", "--test-dir", build, "--output-on-failure", ...tests, ...forCtest);
}
