import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { EtalonError } from "@etalon/errors";

const run = promisify(execFile);

/** Where fetched data lies: `ETALON_CACHE`, else `$XDG_CACHE_HOME/etalon`, else `~/.cache/etalon`. */
export function cacheFolder(): string {
  return process.env.ETALON_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "etalon");
}

/**
 * Fetches an npm package's files into the cache by `npm pack`, without installing or running any of it, and gives the folder with its package.json. What is
 * there already is not fetched again; a fetch that is cut leaves nothing behind.
 * @param spec  name@version    @throws EtalonError IO: npm could not fetch or unpack it
 */
export async function fetchPackage(spec: string, cache: string = cacheFolder()): Promise<string> {
  const folder = join(cache, "npm", spec.replaceAll("/", "+"));
  if (existsSync(folder)) return folder;
  mkdirSync(join(cache, "npm"), { recursive: true });
  const work = mkdtempSync(join(cache, "npm", ".fetch-"));
  try {
    await run("npm", ["pack", "--silent", "--pack-destination", work, spec], { maxBuffer: 1 << 26 });
    const [archive] = readdirSync(work);
    await run("tar", ["-xzf", join(work, archive), "-C", work]);
    renameSync(join(work, "package"), folder);
    return folder;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new EtalonError(
      "IO",
      { argument: "package", value: spec, allowed: "a package that npm can fetch", hint: `${why}.` },
      { cause },
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
