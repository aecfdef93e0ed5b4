import { readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

/** A lock that nobody has touched for so long is left over from a process that is gone; holders touch theirs far oftener. In ms. */
const staleAfter = 120_000;
const touchEvery = 10_000;

/**
 * Waits until a file can be made that nobody else holds, and makes it. A lock left by a process that was killed is taken over. It spares work that would be done twice; nothing
 * is wrong where it fails to: what it guards is checked and put in place in one step.
 * @param waiting  called once where somebody else holds it    @returns what gives it back
 */
export async function lockFile(file: string, { signal, waiting = () => {} }: { signal?: AbortSignal; waiting?: () => void } = {}): Promise<() => void> {
  const own = JSON.stringify({ pid: process.pid, host: hostname(), id: Math.random() });
  for (let told = false; ; ) {
    try {
      writeFileSync(file, own, { flag: "wx" });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    if (takeStale(file)) continue;
    if (!told) waiting();
    told = true;
    await sleep(100 + 100 * Math.random(), undefined, { signal });
  }
  const timer = setInterval(() => touch(file), touchEvery).unref();
  return () => {
    clearInterval(timer);
    if (read(file) === own) rmSync(file, { force: true });
  };
} // biome-ignore format: long lines

/** Takes a lock away whose holder is gone; true where it may be free now. */
function takeStale(file: string): boolean {
  const text = read(file);
  if (text === undefined) return true;
  if (isHeld(file, text)) return false;
  // Of two that see the same stale lock one renames it; what the other then renames is a new one, and it gives it back.
  const aside = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  try {
    renameSync(file, aside);
  } catch {
    return true;
  }
  if (read(aside) === text) rmSync(aside, { force: true });
  else renameSync(aside, file);
  return true;
}

function isHeld(file: string, text: string): boolean {
  const age = Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  if (age > staleAfter) return false;
  try {
    const { pid, host } = JSON.parse(text) as { pid: number; host: string };
    return host !== hostname() || isAlive(pid);
  } catch {
    return age < 1000; // being written, or cut short by a kill
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function touch(file: string): void {
  try {
    const now = new Date();
    utimesSync(file, now, now);
  } catch {
    // taken away: nothing depends on it
  }
}
