import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { EtalonError } from "@etalon/errors";
import { io } from "./io.ts";

/** The lock's name in a run folder. */
export const lockFile = ".lock";

/**
 * Keeps a second process out of a run folder. A lock whose process is gone (killed, or the machine restarted) is taken over.
 * @returns what gives it back    @throws EtalonError BUSY: names the process that holds it
 */
export function lockRun(folder: string): () => void {
  const file = join(folder, lockFile);
  const own = JSON.stringify({ pid: process.pid, host: hostname(), started: startOf(process.pid) });
  for (let attempt = 0; ; attempt++) {
    try {
      writeFileSync(file, own, { flag: "wx" });
      return once(() => rmSync(file, { force: true })); // a second call must not take another's lock away
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") return io(file, () => { throw error; }); // biome-ignore format: one thought
      const holder = holderOf(file);
      if (holder !== undefined || attempt > 0) {
        const hint = "Two runs cannot share a folder: wait for it, or choose another.";
        throw new EtalonError("BUSY", { argument: "out", value: folder, allowed: `a folder that no run holds (${holder ?? "another process"} does)`, hint }); // biome-ignore format: one thought
      }
      rmSync(file, { force: true });
    }
  }
}

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (!done) act();
    done = true;
  };
}

/** Who holds a lock, in words; undefined when nobody lives that does. */
function holderOf(file: string): string | undefined {
  let lock: { pid?: number; host?: string; started?: string };
  try {
    lock = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined; // cut short by a kill
  }
  if (lock.host !== hostname()) return `process ${lock.pid} on ${lock.host}`;
  if (typeof lock.pid !== "number" || !isAlive(lock.pid) || startOf(lock.pid) !== lock.started) return undefined;
  return `process ${lock.pid}`;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** When a process started, in the kernel's ticks, where /proc tells: a pid may be given out again. */
function startOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\)/s, "").trim().split(" ")[19];
  } catch {
    return undefined;
  }
}
