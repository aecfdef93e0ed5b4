import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { EtalonError } from "@etalon/errors";
import { matchPatterns } from "./matchPatterns.ts";
import { neededFiles } from "./neededFiles.ts";
import { isCommit } from "./RepoId.ts";
import { readTree } from "./treeCache.ts";

/** Which files of which repository. */
export interface Choice {
  repo: string;
  revision: string;
  /** models--owner--name in the cache. */
  folder: string;
  variant?: string;
  allow?: readonly string[];
  ignore?: readonly string[];
}

/**
 * The snapshot that the cache has of a revision, if all files that are wanted are in it: those of the commit's list where the cache has one, else as far as the folder itself tells.
 * @returns the folder; an error that says what is missing; undefined: nothing of that revision
 */
export async function cachedSnapshot(choice: Choice): Promise<string | EtalonError | undefined> {
  const { folder, repo, revision } = choice;
  const commit = isCommit(revision) ? revision : readRef(folder, revision);
  const place = commit === undefined ? undefined : join(folder, "snapshots", commit);
  if (commit === undefined || place === undefined || !existsSync(place)) return undefined;
  const tree = readTree(folder, commit);
  const names = tree ? [...tree.keys()] : filesBelow(place);
  try {
    const wanted = await chosenFiles(choice, names, (path) => readFileSync(join(place, path), "utf8"));
    const lost = wanted.find((path) => !isWhole(join(place, path), tree?.get(path)?.size));
    if (lost === undefined) return place;
    return new EtalonError("NOT_FOUND", { argument: "file", value: lost }, { message: `${lost} of ${repo} is missing or cut` });
  } catch (error) {
    if (EtalonError.is(error)) return error;
    return new EtalonError("NOT_FOUND", { argument: "file", value: place }, { message: error instanceof Error ? error.message : String(error) }); // biome-ignore format: one thought
  }
} // biome-ignore format: long lines

/** The files that a choice comes to. @param read  a file's text @throws EtalonError NOT_FOUND: patterns that match nothing, and as neededFiles */
export async function chosenFiles(
  { repo, revision, variant, allow, ignore }: Choice,
  names: readonly string[],
  read: (path: string) => string | Promise<string>,
): Promise<string[]> {
  if (allow === undefined) {
    const json = async (path: string) => parse(path, await read(path));
    const needed = await neededFiles({ repo, revision, names, json }, variant);
    return needed.filter((path) => matchPatterns(path, { ignore }));
  }
  const matching = names.filter((path) => matchPatterns(path, { allow, ignore }));
  if (matching.length > 0) return matching;
  throw new EtalonError("NOT_FOUND", { argument: "allow", value: allow, allowed: `patterns that match a file of ${repo} at ${revision}` }); // biome-ignore format: one thought
}

function parse(path: string, text: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
  } catch {
    // the same error as for JSON of another kind
  }
  throw new EtalonError("BAD_FILE", { argument: path, allowed: "a JSON object" }, { message: `${path} is not a JSON object.` });
} // biome-ignore format: long lines

/** Whether a file is there, of the size it should have where that is known. */
export function isWhole(file: string, size: number | undefined): boolean {
  const found = statSync(file, { throwIfNoEntry: false });
  return found !== undefined && (size === undefined || found.size === size);
}

function readRef(folder: string, revision: string): string | undefined {
  try {
    const commit = readFileSync(join(folder, "refs", revision), "utf8").trim();
    return isCommit(commit) ? commit : undefined;
  } catch {
    return undefined;
  }
}

/** Paths of a folder's files, with slashes, links to files among them. */
const filesBelow = (folder: string, prefix = ""): string[] =>
  readdirSync(join(folder, prefix), { withFileTypes: true }).flatMap((entry) => {
    const path = prefix + entry.name;
    return entry.isDirectory() ? filesBelow(folder, `${path}/`) : [path];
  });
