import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { etalonNative, has, missingLibrary, root, run } from "./support/library.ts";

const examples = join(root, "..", "examples");
const folder = mkdtempSync(join(tmpdir(), "etalon-examples-"));
afterAll(() => rmSync(folder, { recursive: true }));
const skipped = (why: string | undefined) => (why === undefined ? "" : `, skipped: ${why}`);

const noCmake = missingLibrary ?? (has("cmake") && (has("c++") || has("g++")) ? undefined : "no CMake or C++ compiler");
describe.skipIf(noCmake !== undefined)(`examples/link-from-cpp${skipped(noCmake)}`, () => {
  /** The law of the example's last state, exactly: model and step are affine, so mean and variance follow step by step. */
  function law(eta: number) {
    let [mean, variance] = [0, 1];
    for (let i = 0; i < 50; i++) {
      const [t, s] = [1 - i / 50, 1 - (i + 1) / 50];
      const gain = (0.25 * (1 - t)) / (0.25 * (1 - t) ** 2 + t ** 2);
      const rho = ((s * (1 - t)) / ((1 - s) * t)) ** (eta * eta);
      // x0 = 2 + gain (x − 2 (1 − t)), noise = (x − (1 − t) x0) / t, next = (1 − s) x0 + s (ρ noise + √(1 − ρ²) z)
      const onX = (1 - s) * gain + (s * rho * (1 - (1 - t) * gain)) / t;
      const offset = 2 - 2 * gain * (1 - t);
      mean = onX * mean + (1 - s) * offset - (s * rho * (1 - t) * offset) / t;
      variance = onX ** 2 * variance + s * s * (1 - rho * rho);
    }
    return { mean, deviation: Math.sqrt(variance) };
  }

  test("is found by find_package, and draws from the law that its steps have", async () => {
    const source = join(examples, "link-from-cpp");
    await run("cmake", [
      "-S",
      source,
      "-B",
      folder,
      `-Detalon_DIR=${await etalonNative("--cmake-dir")}`,
      "-DCMAKE_BUILD_TYPE=Release",
    ]);
    await run("cmake", ["--build", folder]);
    for (const eta of [0, 1.2]) {
      const out = await run(join(folder, "sampler"), [String(eta)]);
      const [, mean, deviation] = /mean ([\d.]+) \(2\), deviation ([\d.]+) \(0.5\)\n$/.exec(out)!.map(Number);
      const expected = law(eta);
      expect(Math.abs(mean - expected.mean)).toBeLessThan(0.0005 + (5 * expected.deviation) / 512); // five standard errors of 2^18 draws
      expect(Math.abs(deviation - expected.deviation)).toBeLessThan(
        0.0005 + (5 * expected.deviation) / Math.sqrt(2 ** 19),
      );
    }
  });

  test("compiles by the flags alone, and by pkg-config where that is", async () => {
    const source = join(examples, "link-from-cpp", "sampler.cpp");
    const compiler = has("c++") ? "c++" : "g++";
    const flags = (await etalonNative("--cflags", "--libs")).split(" ");
    await run(compiler, ["-std=c++17", source, ...flags, "-o", join(folder, "by-flags")]);
    expect(await run(join(folder, "by-flags"), ["0"])).toBe(await run(join(folder, "sampler"), ["0"]));
    if (!has("pkg-config")) return console.warn("pkg-config: skipped, not found");
    const env = { ...process.env, PKG_CONFIG_PATH: await etalonNative("--pkg-config-dir") };
    const static_ = (await run("pkg-config", ["--cflags", "--libs", "--static", "etalon"], { env }))
      .trim()
      .split(/\s+/);
    const file = join(await etalonNative("--library"), "..", "libetalon.a");
    const archive = static_.map((flag) => (flag === "-letalon" ? file : flag));
    await run(compiler, ["-std=c++17", source, ...archive, "-o", join(folder, "by-pkg-config")]);
    expect(await run(join(folder, "by-pkg-config"), ["0"])).toBe(await run(join(folder, "sampler"), ["0"]));
  });
});

/** A Python with numpy: the benches' own, else the system's. */
const python = [process.env.ETALON_BENCH_PYTHON, "python3", "python"].find(
  (name) => name && spawnSync(name, ["-c", "import numpy"]).status === 0,
);
const noPython = missingLibrary ?? (python === undefined ? "no Python with numpy" : undefined);
describe.skipIf(noPython !== undefined)(`examples/link-from-python${skipped(noPython)}`, () => {
  test("draws on numpy arrays, and on torch tensors where they lie", async () => {
    const out = await run(python!, [join(examples, "link-from-python", "sampler.py"), await etalonNative("--library")]);
    const lines = out.trimEnd().split("\n");
    const [, mean, deviation] = /noise of mean (-?[\d.]+) and deviation ([\d.]+)/.exec(lines[0])!.map(Number);
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(6000));
    expect(Math.abs(deviation - 1)).toBeLessThan(5 / Math.sqrt(12_000));
    expect(lines[1]).toMatch(/^refused: std of a step is negative or not finite/);
    if (lines[2] === "torch: skipped, not installed") return console.warn(lines[2]);
    expect(lines[2]).toMatch(/^torch [\d.]+, in place: the same bits$/);
  });
});
