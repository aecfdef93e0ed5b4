import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const config = fileURLToPath(new URL("spawnSource.config.ts", import.meta.url));

/**
 * Starts a TypeScript file in a process of its own, from source as the tests take it: for what ends a process (kills, signals, exit codes).
 * stdin is empty; stdout and stderr are pipes.
 */
export function spawnSource(file: string, args: readonly string[]): ChildProcess {
  const runner = join(dirname(createRequire(import.meta.url).resolve("vite-node/package.json")), "vite-node.mjs");
  return spawn(process.execPath, [runner, "-c", config, file, "--", ...args], { stdio: ["ignore", "pipe", "pipe"] });
}

/** How a process ended, and what it printed. */
export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Waits for a process's end. @param heard  is told all of stderr and stdout so far, at each piece */
export function ended(child: ChildProcess, heard: (text: string) => void = () => {}): Promise<Ended> {
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.on("data", (piece: Buffer) => {
      text[name] += piece;
      heard(text.stderr + text.stdout);
    });
  }
  return new Promise((settle) => child.on("close", (code, signal) => settle({ code, signal, ...text })));
}
