// Builds the library for 64-bit ARM with a cross compiler and runs its C++ tests under qemu: NEON and scalar against the reference, and against the bits that x86-64 has.
// npm run test:aarch64 -w native    needs Debian's g++-aarch64-linux-gnu and qemu-user; some six minutes on two cores
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./run.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const build = join(root, "build", "aarch64");
const programs = ["native_test", "dtypes_test", "client"].concat(
  ["gemm", "attention", "convolution", "norm", "pointwise", "optimiser", "light"].map(
    (family) => `tensor_${family}_test`,
  ),
);

for (const tool of ["aarch64-linux-gnu-g++", "qemu-aarch64"]) {
  if (spawnSync(tool, ["--version"]).error) {
    console.error(`${tool} is not here: apt-get install g++-aarch64-linux-gnu qemu-user`);
    process.exit(1);
  }
}

process.env.ETALON_REDUCED = "1"; // dtypes_test without its sample of 2^31 - 1 elements
const toolchain = `-DCMAKE_TOOLCHAIN_FILE=${join(root, "cmake/aarch64.cmake")}`;
run("cmake", "-S", root, "-B", build, toolchain, "-DETALON_TESTS=ON", "-DCMAKE_BUILD_TYPE=Release");
run("cmake", "--build", build, "--parallel", "2", "--target", ...programs);
run("ctest", "--test-dir", build, "--output-on-failure", "-R", "^(native_test|dtypes_test|client_c99|tensor_.*)$");
