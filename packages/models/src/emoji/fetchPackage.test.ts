import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { cacheFolder, fetchPackage } from "./fetchPackage.ts";

let cache: string;

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "etalon-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true });
});

/** Puts a program named npm before the real one. */
function stubNpm(script: string): void {
  const bin = join(cache, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "npm"), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, "npm"), 0o755);
  vi.stubEnv("PATH", `${bin}${delimiter}${process.env.PATH}`);
}

test("unpacks what npm packs, once", async () => {
  stubNpm(
    'cd "$4" && mkdir package && echo "{}" > package/package.json && tar -czf thing.tgz package && rm -r package',
  );
  const folder = await fetchPackage("@scope/thing@1.0.0", cache);
  expect(folder).toBe(join(cache, "npm", "@scope+thing@1.0.0"));
  expect(existsSync(join(folder, "package.json"))).toBe(true);
  rmSync(join(cache, "bin"), { recursive: true });
  expect(await fetchPackage("@scope/thing@1.0.0", cache)).toBe(folder);
});

test("a fetch that fails says which package and why, and leaves nothing behind", async () => {
  stubNpm("echo no network >&2; exit 1");
  await expect(fetchPackage("thing@1.0.0", cache)).rejects.toThrow(
    'package is "thing@1.0.0"; allowed: a package that npm can fetch.',
  );
  expect(readdirSync(join(cache, "npm"))).toEqual([]);
});

test("the cache is ETALON_CACHE, else under XDG_CACHE_HOME", () => {
  vi.stubEnv("XDG_CACHE_HOME", "/x");
  vi.stubEnv("ETALON_CACHE", "");
  expect(cacheFolder()).toBe(join("/x", "etalon"));
  vi.stubEnv("ETALON_CACHE", "/c");
  expect(cacheFolder()).toBe("/c");
});
