import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleSource, ended, runTrace } from "@etalon/testkit";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

vi.setConfig({ testTimeout: 400_000, hookTimeout: 400_000 }); // processes, on a machine that may be busy

let root = "";
let program: URL; // bundled, not run by vite: its runner has a listener for SIGTERM of its own, and what a user starts has not
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "etalon-process-"));
  program = await bundleSource(new URL("etalon.ts", import.meta.url), new URL("../", import.meta.url));
  writeFileSync(join(root, "reward.mjs"), reward);
});
const started: ChildProcess[] = [];
afterAll(() => {
  for (const child of started) child.kill("SIGKILL"); // none outlives a test that ran out of time
  rmSync(root, { recursive: true, force: true });
  rmSync(program, { force: true });
});

type Kill = (signal: NodeJS.Signals) => void;

/** `etalon …` in a process of its own; `at` is called with it whenever it prints. @param env  added to this process's */
async function etalon(args: readonly string[], at: (kill: Kill, text: string) => void = () => {}, env = {}) {
  const command = [fileURLToPath(program), ...args];
  const child = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } }); // biome-ignore format: one thought
  started.push(child);
  return ended(child, (text) => at((signal) => child.kill(signal), text));
}

/** The mean of all bytes. Says "held" and gives nothing from when the file HOLD_FROM is there until HOLD_UNTIL is: so a test knows where the run stands when a signal comes. */
const reward = `
import { existsSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
const { HOLD_FROM = "", HOLD_UNTIL = "" } = process.env;
const mean = (bytes) => bytes.reduce((sum, byte) => sum + byte, 0) / bytes.length;
export default {
  name: "mean",
  async score({ data, count }) {
    if (existsSync(HOLD_FROM) && !existsSync(HOLD_UNTIL)) console.error("held");
    while (existsSync(HOLD_FROM) && !existsSync(HOLD_UNTIL)) await setTimeout(20);
    const size = data.length / count;
    return Float32Array.from({ length: count }, (_, i) => mean(data.subarray(i * size, (i + 1) * size)));
  },
};
`;

const sets = ["train.epochs=8", "sampler.steps=2", "train.promptsPerEpoch=2", "train.groupSize=2", "train.trainedSteps=1", "checkpoint.every=2", "checkpoint.keep=2", "measure.every=4", "measure.samples=4", "measure.steps=2"]; // biome-ignore format: a list
const train = (out: string, ...more: string[]) =>
  ["train", "--preset", "tiny-ddpo", ...sets.flatMap((set) => ["--set", set]), "--set", `reward=${join(root, "reward.mjs")}`, "-o", out, ...more]; // biome-ignore format: one thought

/** For the reward: no score once the second epoch's checkpoint is there, until there is a file "go". */
const held = (out: string) => ({ HOLD_FROM: join(out, "checkpoints", "000002"), HOLD_UNTIL: join(out, "go") });
const isHeld = (text: string) => text.includes("held") && text.includes("saved checkpoints/000002");

const checkpoints = (out: string) => readdirSync(join(out, "checkpoints")).sort();
const lastLine = (text: string) => text.trim().split("\n").at(-1);

/** The training that was never stopped; made once, by the first test that asks for it. */
let made: Promise<string> | undefined;
const whole = () => {
  made ??= etalon(train(join(root, "whole"), "--json")).then(({ code, stderr }) => {
    expect(code, stderr).toBe(0);
    return join(root, "whole");
  });
  return made;
};

describe("a training that is stopped and resumed ends in the bits of one that was not", () => {
  test.each(["SIGINT", "SIGTERM"] as const)("by %s: exit 130, one line, a checkpoint of all that was done", async (signal) => {
    const out = join(root, signal);
    let sent = false;
    const stop = (kill: Kill, text: string) => {
      if (!sent && isHeld(text)) kill(signal);
      sent ||= isHeld(text);
      if (text.includes("stopping: state is being saved")) writeFileSync(join(out, "go"), "");
    };
    const { code, stderr } = await etalon(train(out), stop, held(out));
    expect({ code, end: lastLine(stderr) }).toEqual({ code: 130, end: "etalon: The run was stopped." });
    const { epoch } = JSON.parse(lastLine(readFileSync(join(out, "metrics.jsonl"), "utf8")) as string);
    expect(checkpoints(out).at(-1)).toBe(String(epoch).padStart(6, "0"));
    expect(epoch).toBeLessThan(8);
    expect(await etalon(["train", "--resume", "-o", out])).toMatchObject({ code: 0 });
    expect(runTrace(out)).toEqual(runTrace(await whole()));
  }); // biome-ignore format: one thought

  test("by a second Ctrl-C, where the first one waits for what does not come: exit 130 at once, and what was reported as saved is there", async () => {
    const out = join(root, "twice");
    let again: NodeJS.Timeout | undefined;
    const stop = (kill: Kill, text: string) => {
      if (!isHeld(text)) return;
      again ??= setInterval(kill, 200, "SIGINT"); // the first, its echoes, and one a second later
    };
    const { code, signal, stderr } = await etalon(train(out), stop, held(out));
    clearInterval(again);
    expect({ code, signal }).toEqual({ code: 130, signal: null });
    expect(stderr.match(/^stopping: state is being saved/gm)).toHaveLength(1);
    const saved = [...stderr.matchAll(/^saved checkpoints\/(\d+)/gm)].map(([, name]) => name);
    expect(saved.length).toBeGreaterThan(0);
    expect(checkpoints(out)).toEqual(expect.arrayContaining(saved.slice(-2))); // checkpoint.keep
    expect(await etalon(["train", "--resume", "-o", out])).toMatchObject({ code: 0 });
    expect(runTrace(out)).toEqual(runTrace(await whole()));
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
    expect(runTrace(out)).toEqual(runTrace(await whole()));
  });
});

test.each(["SIGINT", "SIGTERM"] as const)("serve: a page and /metrics of a run on a free port, until %s: exit 130, and the port is free", async (signal) => {
  const run = await whole();
  let asked: Promise<string[]> | undefined;
  const ask = async (url: string, kill: Kill) => {
    try {
      return await Promise.all(["", "run/whole", "metrics"].map(async (path) => (await fetch(url + path)).text()));
    } finally {
      kill(signal);
    }
  };
  const { code, stdout, stderr } = await etalon(["serve", run, "--json"], (kill, text) => {
    if (text.endsWith("}\n")) asked ??= ask(JSON.parse(text).url, kill);
  });
  const [overview, page, metrics] = (await asked) as string[];
  expect(overview).toContain('href="/run/whole"');
  expect(page).toContain("epoch 8 of 8");
  expect(metrics).toContain('etalon_run_epoch{run="whole"} 8');
  expect({ code, stderr }).toEqual({ code: 130, stderr: "etalon: The server was stopped.\n" });
  await expect(fetch(JSON.parse(stdout).url)).rejects.toThrow();
}); // biome-ignore format: one thought

test("what a reward throws where nobody waits for it: exit 1 and one line", async () => {
  const late = join(root, "late.mjs");
  writeFileSync(late, 'export default async () => { setTimeout(() => { throw new Error("no socket"); }); await new Promise(() => {}); };'); // biome-ignore format: one thought
  const picture = join(root, "sun.png");
  expect(await etalon(["sample", "--prompt", "sun", "--steps", "1", "-o", picture])).toMatchObject({ code: 0 });
  const { code, stdout, stderr } = await etalon(["score", "--reward", late, picture, "--json"]);
  const line = "etalon: no socket (thrown where nothing waits for it; --debug prints where)\n";
  expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: "", stderr: line });
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
