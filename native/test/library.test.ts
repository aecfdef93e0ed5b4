import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { attempt, etalonNative, has, library, missingLibrary, root, run } from "./support/library.ts";

const missing = missingLibrary ?? (has("nm") ? undefined : "no nm");

/** What the installed headers declare. */
function declared(): string[] {
  const folder = join(library, "include", "etalon");
  const headers = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
  return headers.flatMap((text) => [...text.matchAll(/^ETALON_API [^;(]*?(\w+)\(/gm)].map(([, name]) => name)).sort();
}

/** Lines of nm as [type, name], without macOS's leading underscore. */
const nm = async (file: string, ...flags: string[]) =>
  (await run("nm", [...flags, file]))
    .split("\n")
    .map((line) => (process.platform === "darwin" ? /([A-Za-z]) _(\S+)$/ : /([A-Za-z]) (\S+)$/).exec(line))
    .flatMap((match) => (match === null ? [] : [[match[1], match[2].split("@")[0]] as const]));

describe.skipIf(missing !== undefined)(`libetalon${missing === undefined ? "" : `, skipped: ${missing}`}`, () => {
  const dynamic = process.platform === "darwin" ? ["-g"] : ["-D"];
  const names = async (file: string, ...flags: string[]) =>
    (await nm(file, ...dynamic, ...flags)).map(([, name]) => name);

  test("shows what its headers declare, and nothing else", async () => {
    const shown = await names(await etalonNative("--library"), "--defined-only");
    expect(shown.sort()).toEqual(declared());
    expect(shown).toContain("etalon_rollout");
  });

  test("has neither Node nor TensorFlow in it", async () => {
    const wanted = await names(await etalonNative("--library"), "--undefined-only");
    expect(wanted).toContain("memcpy");
    expect(wanted.filter((name) => /^(napi_|node_|uv_|v8|TF_|_ZN2v8)/.test(name))).toEqual([]);
  });

  test("as an archive: names beside etalon_* are the namespace's own, or the C++ library's weak ones", async () => {
    const globals = await nm(join(library, "lib", "libetalon.a"), "-g", "--defined-only");
    const own = /^(etalon_|_ZT?[A-Z]*N*K?6etalon)/;
    expect(globals.filter(([type, name]) => !/^[WVu]$/.test(type) && !own.test(name))).toEqual([]);
    expect(globals.length).toBeGreaterThan(10);
  });

  test.each(["etalon", "etalon_tf"])("%s.node shows Node's entry points only", async (name) => {
    const shown = await names(join(root, "build", "Release", `${name}.node`), "--defined-only");
    const entry = /^(napi_register_module_v|node_api_module_get_api_version_v)\d+$/;
    expect(shown.filter((symbol) => !entry.test(symbol))).toEqual([]);
    expect(shown.length).toBeGreaterThan(0);
  });
});

describe("etalon-native", () => {
  const command = join(root, "bin", "etalon-native.mjs");
  const ask = async (...args: string[]) => {
    const { status, stdout, stderr } = await attempt(process.execPath, [command, ...args]);
    return { status, out: stdout.trimEnd(), err: stderr.trimEnd() };
  };

  test("gives flags without a build", async () => {
    expect(await ask("--cflags")).toEqual({ status: 0, out: `-I${join(root, "include")}`, err: "" });
    expect((await ask("--version")).out).toBe(JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version);
  });

  test("names what it does not know, and what there is", async () => {
    const allowed = "build, prebuild, --cflags, --libs, --library, --cmake-dir, --pkg-config-dir, --version";
    expect(await ask("--lib")).toEqual({
      status: 2,
      out: "",
      err: `etalon-native: --lib is unknown; allowed: ${allowed}.`,
    });
    expect((await ask("build", "--gpu")).err).toBe("etalon-native build: --gpu is no option; allowed: --cuda.");
    expect((await ask()).status).toBe(2);
    expect((await ask("--help")).out).toContain("npx etalon-native --cmake-dir");
  });

  test.skipIf(missingLibrary !== undefined)("gives folders that are there", async () => {
    expect(readdirSync((await ask("--cmake-dir")).out)).toContain("etalonConfig.cmake");
    expect(readdirSync((await ask("--pkg-config-dir")).out)).toEqual(["etalon.pc"]);
    expect((await ask("--libs")).out).toBe(`-L${library}/lib -letalon -Wl,-rpath,${library}/lib`);
  });

  test("says in a line what a build needs", async () => {
    const { status, stderr } = await attempt(process.execPath, [command, "build"], { env: { PATH: "" } });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr:
        '@etalon/native: CMake and a C++ compiler not found: the portable form will do, some ten times slower. Install and run "npx etalon-native build".\n',
    });
  });
});
