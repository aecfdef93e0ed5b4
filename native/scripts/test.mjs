// Builds and runs the C++ tests: `npm run test:native -w native [-- -R name]`; arguments go to ctest.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const build = join(root, "build", "tests");
for (const [command, ...rest] of [
  ["cmake", "-S", root, "-B", build, "-DETALON_TESTS=ON", "-DCMAKE_BUILD_TYPE=Release"],
  ["cmake", "--build", build, "--parallel", "2"],
  ["ctest", "--test-dir", build, "--output-on-failure", ...process.argv.slice(2)],
]) {
  const { status, error } = spawnSync(command, rest, { stdio: "inherit" });
  if (error) console.error(`${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}
