// Builds and runs the C++ tests, beside the addon, so that what is compiled already is used; then those of the CPU again under AddressSanitizer with UBSan, and, the scalar
// target alone (threads share out work alike on all), under ThreadSanitizer.
// npm run test:native -w native [-- -R name]    arguments go to ctest
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./run.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const forCtest = process.argv.slice(2);

for (const { folder, sanitize, scalar } of [
  { folder: "", sanitize: "", scalar: "OFF" },
  { folder: "tests-asan", sanitize: "address,undefined", scalar: "OFF" },
  { folder: "tests-tsan", sanitize: "thread", scalar: "ON" },
]) {
  const build = join(root, "build", folder);
  const kinds = [`-DETALON_SANITIZE=${sanitize}`, `-DETALON_SCALAR=${scalar}`];
  run("cmake", "-S", root, "-B", build, "-DETALON_TESTS=ON", "-DCMAKE_BUILD_TYPE=Release", ...kinds);
  run("cmake", "--build", build, "--parallel", "2", ...(sanitize ? ["--target", "sanitized"] : []));
  run(
    "ctest",
    "--test-dir",
    build,
    "--parallel",
    "2",
    "--output-on-failure",
    ...(sanitize ? ["-L", "sanitized"] : []),
    ...forCtest,
  );
}
