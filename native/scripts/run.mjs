import { spawnSync } from "node:child_process";

/** Runs a program in this one's terminal; where it fails, this process ends with its status. */
export function run(command, ...rest) {
  const { status, error } = spawnSync(command, rest, { stdio: "inherit" });
  if (error) console.error(`${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}
