import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ended, runTrace, spawnSource } from "@etalon/testkit";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

vi.setConfig({ testTimeout: 400_000, hookTimeout: 400_000 }); // processes that start from source, on a machine that may be busy

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "etalon-process-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** `etalon …` in a process of its own; `at` is called with it whenever it prints. */
async function etalon(
  args: readonly string[],
  at: (kill: (signal: NodeJS.Signals) => void, text: string) => void = () => {},
) {
  const child = spawnSource(join(import.meta.dirname, "etalon.ts"), args);
  return ended(child, (text) => at((signal) => child.kill(signal), text));
}

const sets = ["train.epochs=8", "sampler.steps=2", "train.promptsPerEpoch=2", "train.groupSize=2", "train.trainedSteps=1", "checkpoint.every=2", "checkpoint.keep=2", "measure.every=4", "measure.samples=4", "measure.steps=2"]; // biome-ignore format: a list
const train = (out: string, ...more: string[]) =>
  ["train", "--preset", "tiny-ddpo", ...sets.flatMap((set) => ["--set", set]), "-o", out, ...more]; // biome-ignore format: one thought

describe("a training that is stopped and resumed ends in the bits of one that was not", () => {
  const whole = () => join(root, "whole");
  beforeAll(async () => {
    expect(await etalon(train(whole(), "--json"))).toMatchObject({ code: 0 });
  });

  test("by Ctrl-C: exit 130, one line, a checkpoint of what was done", async () => {
    const out = join(root, "interrupted");
    let sent = false;
    const { code, stderr } = await etalon(train(out), (kill, text) => {
      if (sent || !existsSync(join(out, "metrics.jsonl")) || !/train [3-9]\//.test(text)) return;
      sent = true;
      kill("SIGINT");
    });
    // Where the run was quicker than the signal it is done, and resuming finds nothing left to do.
    if (code !== 0) {
      expect(code).toBe(130);
      expect(stderr.trim().split("\n").at(-1)).toBe("etalon: The run was stopped.");
    }
    expect(readdirSync(join(out, "checkpoints")).length).toBeGreaterThan(0);
    expect(await etalon(["train", "--resume", "-o", out])).toMatchObject({ code: 0 });
    expect(runTrace(out)).toEqual(runTrace(whole()));
  });

  test("by SIGKILL, at several moments", async () => {
    const out = join(root, "killed");
    const ends: unknown[] = [];
    for (const wait of [0, 300]) {
      let sent = false;
      const { signal, code } = await etalon(train(out, "--resume"), (kill) => {
        if (sent || !existsSync(join(out, "checkpoints"))) return;
        sent = true;
        setTimeout(() => kill("SIGKILL"), wait);
      });
      ends.push(signal ?? code);
    }
    expect(ends).toContain("SIGKILL");
    expect(await etalon(train(out, "--resume"))).toMatchObject({ code: 0 });
    expect(runTrace(out)).toEqual(runTrace(whole()));
  });
});

/** A file system of a few megabytes; undefined where this user may not mount one. */
function smallDisk(megabytes: number): string | undefined {
  const place = mkdtempSync(join(root, "disk-"));
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", place]);
  return status === 0 ? place : undefined;
}

test("a full disk: one clear line, exit 1, and what was saved before is whole", async (context) => {
  const disk = smallDisk(96);
  if (disk === undefined) return context.skip("needs the right to mount a tmpfs");
  try {
    const out = join(disk, "run");
    const all = train(out, "--set", "checkpoint.every=1", "--set", "checkpoint.keep=9");
    const { code, stderr } = await etalon(all);
    expect(code).toBe(1);
    expect(stderr.trim().split("\n").at(-1)).toMatch(
      /^etalon: file is ".*"; allowed: a (?:place|file) that can be written\. ENOSPC/,
    );
    const names = readdirSync(join(out, "checkpoints"));
    expect(names.filter((name) => !/^\d{6}$/.test(name))).toEqual([]);
    const sizes = names.map((name) => statSync(join(out, "checkpoints", name, "optimizer.safetensors")).size);
    expect(new Set(sizes).size).toBe(1);
    const saved = Number(names.sort().at(-1));
    expect(saved).toBeGreaterThan(0);
    expect(saved).toBeLessThan(8);
    // A picture does not go onto it half either.
    writeFileSync(join(disk, "filler"), Buffer.alloc(1 << 20), { flag: "a" });
    for (let more = true; more; ) {
      try {
        writeFileSync(join(disk, "filler"), Buffer.alloc(4096), { flag: "a" });
      } catch {
        more = false;
      }
    }
    const picture = await etalon(["sample", "--prompt", "sun", "--steps", "1", "-o", join(disk, "a.png")]);
    expect([picture.code, picture.stderr]).toEqual([1, expect.stringContaining("ENOSPC")]);
    expect(existsSync(join(disk, "a.png"))).toBe(false);
  } finally {
    spawnSync("umount", [disk]);
  }
});
