import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The package's folder. */
export const root = fileURLToPath(new URL("../..", import.meta.url));
/** The installed copy of the C library that a build leaves. */
export const library = join(root, "build", "library");
/** Why the C library cannot be tested here; undefined where it can. */
export const missingLibrary = existsSync(library) ? undefined : "the library is not built here";

export const has = (command: string) => spawnSync(command, ["--version"], { stdio: "ignore" }).status === 0;

const execute = promisify(execFile);

/** Runs a command to its end, without blocking the test runner's messages. @returns what it printed @throws Error: where it fails, with all it printed */
export async function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const { status, stdout, stderr } = await attempt(command, args, options);
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(" ")}: exit ${status}\n${stdout}${stderr}`);
}

/** As `run`, for commands that may fail. */
export async function attempt(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<{ status: number | string; stdout: string; stderr: string }> {
  try {
    return { status: 0, ...(await execute(command, args, { encoding: "utf8", maxBuffer: 1 << 26, ...options })) };
  } catch (error) {
    const { code, stdout = "", stderr = "", message } = error as Error & { code?: number | string; stdout?: string; stderr?: string }; // biome-ignore format: one thought
    return { status: code ?? message, stdout, stderr };
  }
}

/** etalon-native's answer. */
export const etalonNative = async (...args: string[]) =>
  (await run(process.execPath, [join(root, "bin", "etalon-native.mjs"), ...args])).trimEnd();
