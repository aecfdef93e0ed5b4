import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { attempt, has, root, run } from "./support/library.ts";

// What a user gets: the packed tarballs, installed offline into an empty folder with an empty HOME.
const require = createRequire(import.meta.url);
const unbuilt = existsSync(join(root, "dist", "tfjs.js")) ? undefined : 'dist is not built: "npm run build"';

describe.skipIf(unbuilt !== undefined)(
  `the packed package${unbuilt === undefined ? "" : `, skipped: ${unbuilt}`}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), "etalon-consumer-"));
    const [app, bare, home] = ["app", "bare", "home"].map((name) => join(folder, name));
    const installed = join(app, "node_modules", "@etalon", "native");
    afterAll(() => rmSync(folder, { recursive: true }));

    /** Where ccache is at work it knows files by their place below a folder, which here is this one, and by the compiler's language. */
    const cache = Object.entries(process.env).filter(([name]) => /^CCACHE_|_COMPILER_LAUNCHER$|^LANG$|^LC_/.test(name));
    const compilerCache = Object.fromEntries(cache.map(([name, value]) => [name, name === "CCACHE_BASEDIR" ? folder : value])); // biome-ignore format: one thought
    /** A user's environment; `path` "bare" has node and nothing else in it: no CMake, no compiler. */
    const environment = (path: "bare" | "full", more: Record<string, string> = {}) => ({
      PATH: path === "bare" ? bare : process.env.PATH,
      HOME: home,
      ...compilerCache,
      ...more,
    });
    const script = `
    import { backend, rollout } from "@etalon/native";
    const x = Float32Array.of(0, 1, 2, 3), key = { seed: 42n, step: 1, samples: Uint32Array.of(1) };
    const { next } = rollout({ x, cond: x, map: { a: 0.9, b: -0.2, std: 0.3 }, key, dim: 4 });
    console.log(backend().name, ...next);`;
    const draw = async (path: "bare" | "full", more?: Record<string, string>) => {
      const args = ["--input-type=module", "-e", script];
      const { stdout, stderr } = await attempt(process.execPath, args, { cwd: app, env: environment(path, more) });
      const [name, ...numbers] = stdout.trim().split(" ");
      return { name, numbers: numbers.map(Number), stderr };
    };
    const etalonNative = (path: "bare" | "full", ...args: string[]) =>
      attempt(join(app, "node_modules", ".bin", "etalon-native"), args, { cwd: app, env: environment(path) });

    beforeAll(async () => {
      for (const made of [app, bare, home]) mkdirSync(made);
      symlinkSync(process.execPath, join(bare, "node"));
      writeFileSync(join(app, "package.json"), '{ "private": true, "type": "module" }');
      const packages = [root, join(root, "..", "packages", "errors"), ...["node-addon-api", "node-api-headers"].map((name) => dirname(require.resolve(`${name}/package.json`)))]; // biome-ignore format: one thought
      const quiet = ["--ignore-scripts", "--offline", "--no-audit", "--no-fund", "--loglevel=error"];
      for (const path of packages)
        await run("npm", ["pack", path, "--pack-destination", folder, ...quiet], { cwd: folder });
      const tarballs = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
      expect(tarballs).toHaveLength(packages.length);
      await run("npm", ["install", ...quiet, ...tarballs.map((name) => join(folder, name))], {
        cwd: app,
        env: environment("full"),
      });
    });

    test("has no tests in it, and what a build needs", () => {
      const files = readdirSync(installed, { recursive: true }).map(String);
      expect(files.filter((name) => /\.test\.|^test/.test(name))).toEqual([]);
      expect(files).toEqual(
        expect.arrayContaining(["CMakeLists.txt", "src/tf/ops.cpp", "include/etalon/etalon.h", "dist/tfjs.d.ts"]),
      );
    });

    test("works without a compiler: the portable form, one warning, one line of advice", async () => {
      const { name, numbers, stderr } = await draw("bare");
      expect(name).toBe("portable");
      expect(numbers).toHaveLength(4);
      expect(stderr.match(/ETALON_PORTABLE/g)).toHaveLength(1);
      expect(stderr).toContain(
        'no binary fits this machine. With CMake and a C++ compiler, "npx etalon-native build" makes one.',
      );
      expect(await draw("bare", { ETALON_BINARY: "portable" })).toEqual({ name, numbers, stderr: "" });
      const { status, stderr: advice } = await etalonNative("bare", "build");
      expect(status).toBe(1);
      expect(advice).toMatch(/^@etalon\/native: CMake and a C\+\+ compiler not found: .*\n$/);
    });

    test("has types for both entries, as nodenext resolves them", async () => {
      writeFileSync(
        join(app, "consumer.mts"),
        `import { type PolicyGradient, policyGradient, rollout } from "@etalon/native";
      import { logProb, type TensorLike } from "@etalon/native/tfjs";
      const given = { x: new Float32Array(1), cond: new Float32Array(1), map: { a: 1, b: 1, std: 1 }, dim: 1 };
      export const next: Float32Array = rollout({ ...given, key: { seed: 1n, step: 0, samples: Uint32Array.of(0) } }).next;
      export const gradient: PolicyGradient = policyGradient({ ...given, next, oldLogp: [0], advantage: [1], clip: 1, reduction: "mean" });
      export const density = (x: TensorLike): Float64Array => logProb({ x, next: x, cond: x, map: given.map });
      // @ts-expect-error: a reduction of another name
      policyGradient({ ...given, next, oldLogp: [0], advantage: [1], clip: 1, reduction: "max" });`,
      );
      const flags = "--noEmit --strict --target es2022 --module nodenext".split(" ");
      await run(
        process.execPath,
        [join(dirname(require.resolve("typescript/package.json")), "bin", "tsc"), ...flags, "consumer.mts"],
        { cwd: app },
      );
    });

    const built = ["etalon.node", "etalon_tf.node"].map((name) => join(root, "build", "Release", name));
    const prebuilt = join(installed, "prebuilds", `${process.platform}-${process.arch}`);
    const none = built.every(existsSync) ? "" : ", skipped: no addon is built here";
    test.skipIf(none !== "")(
      `loads a prebuilt addon without a compiler, and says which one does not load${none}`,
      async () => {
        mkdirSync(prebuilt, { recursive: true });
        for (const file of built) copyFileSync(file, join(prebuilt, basename(file)));
        const portable = await draw("bare", { ETALON_BINARY: "portable" });
        const prebuild = await draw("bare");
        expect(prebuild).toEqual({ ...portable, name: expect.not.stringMatching("portable") });
        writeFileSync(join(prebuilt, "etalon.node"), "no library");
        const broken = await draw("bare");
        expect(broken).toEqual({ ...portable, stderr: expect.stringContaining(join(prebuilt, "etalon.node")) });
        rmSync(prebuilt, { recursive: true });
      },
    );

    // The whole library compiled once more, out of the tarball: for CI.
    const noBuild = [!process.env.CI && "CI is not set", !has("cmake") && "no CMake", !has("c++") && !has("g++") && "no compiler"].filter(Boolean).join(", "); // biome-ignore format: one thought
    test.skipIf(noBuild !== "")(
      `builds a prebuilt addon that needs no C++ runtime${noBuild && `, skipped: ${noBuild}`}`,
      async () => {
        const unbuilt = 'etalon-native: the library is not built here; run "npx etalon-native build".\n';
        expect((await etalonNative("full", "--libs")).stderr).toBe(unbuilt);
        const { status, stderr } = await etalonNative("full", "prebuild");
        expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringMatching(/etalon.node is built.\n$/) });
        expect((await etalonNative("bare", "--libs")).stdout).toContain(join(installed, "build", "library", "lib"));
        rmSync(join(installed, "build"), { recursive: true });
        expect(readdirSync(prebuilt).sort()).toEqual(["etalon.node", "etalon_tf.node"]);
        const portable = await draw("bare", { ETALON_BINARY: "portable" });
        expect(await draw("bare")).toEqual({ ...portable, name: expect.not.stringMatching("portable") });
        if (process.platform !== "linux" || !has("readelf"))
          return console.warn("its dependencies: skipped, no readelf");
        const needed = (await run("readelf", ["-d", join(prebuilt, "etalon.node")])).match(/NEEDED.*\[(.*)\]/g);
        expect(needed!.filter((line) => /libstdc\+\+|libgcc_s/.test(line))).toEqual([]);
      },
      1_200_000,
    );
  },
);
