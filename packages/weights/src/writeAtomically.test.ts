import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { EtalonError } from "./index.ts";
import { writeAtomically } from "./writeAtomically.ts";

/** What the system does, as it happens; `full` makes the disk full at so many bytes. */
const disk = vi.hoisted(() => ({ calls: [] as string[], full: Number.POSITIVE_INFINITY, written: 0, short: false }));
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  const noted = <F extends (...args: never[]) => unknown>(name: string, call: F): F =>
    ((...args: never[]) => {
      disk.calls.push(name);
      return call(...args);
    }) as unknown as F;
  const writeSync = (descriptor: number, bytes: Uint8Array, from: number, length: number) => {
    if (disk.written + length > disk.full) throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" }); // biome-ignore format: one thought
    disk.written += length;
    return fs.writeSync(descriptor, bytes, from, disk.short ? Math.ceil(length / 2) : length);
  };
  return {
    ...fs,
    writeSync,
    fsyncSync: noted("fsync", fs.fsyncSync),
    renameSync: noted("rename", fs.renameSync),
  };
});

const folder = mkdtempSync(join(tmpdir(), "etalon-atomic-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "a");
const piece = new Uint8Array(1000).fill(7);

test("flushes the file before it is renamed, and the folder after; writes that the system takes in parts are whole", () => {
  disk.short = true;
  writeAtomically(file, (write) => {
    write(piece);
    write(piece);
  });
  disk.short = false;
  expect(disk.calls).toEqual(["fsync", "rename", "fsync"]);
  expect(readFileSync(file)).toEqual(Buffer.alloc(2000, 7));
});

test("a disk that fills up in mid-file: an error that says so, the older file as it was, nothing left behind", () => {
  writeFileSync(file, "older");
  Object.assign(disk, { written: 0, full: 1500 });
  try {
    writeAtomically(file, (write) => {
      write(piece);
      write(piece);
    });
    expect.unreachable();
  } catch (error) {
    expect(EtalonError.is(error) && [error.code, error.message]).toEqual(["IO", `file is ${JSON.stringify(file)}; allowed: a file that can be written. ENOSPC: no space left on device, write.`]); // biome-ignore format: one thought
  }
  expect(readFileSync(file, "utf8")).toBe("older");
  expect(readdirSync(folder)).toEqual(["a"]);
});
