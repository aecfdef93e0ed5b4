import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { EtalonError } from "@etalon/errors";
import { io } from "./io.ts";

/** The lock's name in a run folder. */
export const lockFile = ".lock";

/**
 * Keeps a second process out of a run folder. A lock whose process is gone (killed, or the machine restarted) is taken over; one of another machine is not, since
 * nobody here can tell.
 * @returns what gives it back    @throws EtalonError BUSY: names the process that holds it
 */
export function lockRun(folder: string): () => void {
  const file = join(folder, lockFile);
  const own = JSON.stringify({ pid: process.pid, host: hostname(), started: startOf(process.pid) });
  for (let attempt = 0; ; attempt++) {
    try {
      writeFileSync(file, own, { flag: "wx" });
      return once(() => giveBack(file)); // a second call must not take another's lock away
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") return io(file, () => { throw error; }); // biome-ignore format: one thought
      const text = textOf(file);
      const holder = holderOf(text);
      if (holder !== undefined || attempt > 2 || !remove(file, text)) throw busy(folder, holder);
    }
  }
}

/** Who holds a run folder, in words, as `process 71`; undefined where nobody does. */
export const lockHolder = (folder: string): string | undefined => {
  const text = textOf(join(folder, lockFile));
  return text === undefined ? undefined : holderOf(text);
};

function busy(folder: string, holder: string | undefined): EtalonError {
  const far = holder?.includes(" on ");
  const hint = far ? `If that process is gone, delete ${join(folder, lockFile)}.` : "Two runs cannot share a folder: wait for it, or choose another."; // biome-ignore format: one thought
  return new EtalonError("BUSY", { argument: "out", value: folder, allowed: `a folder that no run holds (${holder ?? "another process"} does)`, hint }); // biome-ignore format: one thought
}

/** Takes a lock away that was found to be nobody's: aside first, and looked at again there, since another process may have taken it over meanwhile. False where one had. */
function remove(file: string, text: string | undefined): boolean {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" || io(file, () => { throw error; }); // biome-ignore format: one thought
  }
  const isSame = textOf(aside) === text;
  if (!isSame && !existsSync(file)) renameSync(aside, file);
  else rmSync(aside, { force: true });
  return isSame;
}

/** A lock that cannot be removed, on a disk that can no longer be written, is nobody's once this process has ended; the error that came before it says more. */
function giveBack(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {}
}

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (!done) act();
    done = true;
  };
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** Who holds a lock of that text, in words; undefined when nobody lives that does, or a kill cut it short. */
function holderOf(text: string | undefined): string | undefined {
  let lock: { pid?: number; host?: string; started?: string };
  try {
    lock = JSON.parse(text ?? "");
  } catch {
    return undefined;
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
