import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockHolder, lockRun } from "./lockRun.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "etalon-lock-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const lockOf = (lock: object | string) =>
  writeFileSync(join(folder, ".lock"), typeof lock === "string" ? lock : JSON.stringify(lock));

test("one holds it; its release gives it back once, and takes no other's away", () => {
  const release = lockRun(folder);
  expect(lockHolder(folder)).toBe(`process ${process.pid}`);
  expect(() => lockRun(folder)).toThrow(`(process ${process.pid} does). Two runs cannot share a folder`);
  release();
  expect(lockHolder(folder)).toBeUndefined();
  const second = lockRun(folder);
  release();
  expect(lockHolder(folder)).toBe(`process ${process.pid}`);
  second();
});

test("a lock that cannot be removed hides no error on its way", () => {
  const release = lockRun(folder);
  rmSync(join(folder, ".lock"));
  mkdirSync(join(folder, ".lock")); // which no unlink takes away
  expect(release).not.toThrow();
});

test.each<[string, object | string]>([
  ["of a process that is gone", { pid: 2 ** 22 + 1, host: hostname(), started: "5" }],
  ["of a process whose number another has now", { pid: process.pid, host: hostname(), started: "5" }],
  ["that a kill cut short", '{"pid": 12, "ho'],
  ["that is empty", ""],
])("a lock %s is taken over", (_, lock) => {
  lockOf(lock);
  expect(lockHolder(folder)).toBeUndefined();
  lockRun(folder)();
  expect(readdirSync(folder)).toEqual([]);
});

test("a lock of another machine stands, and the message says what to do", () => {
  lockOf({ pid: 71, host: "far.example", started: "5" });
  expect(() => lockRun(folder)).toThrow(`a folder that no run holds (process 71 on far.example does). If that process is gone, delete ${join(folder, ".lock")}.`); // biome-ignore format: one thought
  expect(readdirSync(folder)).toEqual([".lock"]);
});
