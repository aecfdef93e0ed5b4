import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import writeFileAtomic from "write-file-atomic";

/** A file of a repository as the hub lists it. */
export interface RepoFile {
  size: number;
  /** Its git hash. */
  blobId: string;
  /** Of the content, where it is kept as a large file. */
  sha256?: string;
}

/** huggingface_hub's form (from 2.0 on) of a commit's list of files: trees/<commit>.json in a repository's folder. */
interface Stored {
  format_version: 1;
  files: Record<string, { size: number; blob_id: string; lfs_sha256?: string; lfs_size?: number }>;
}

const fileOf = (folder: string, commit: string): string => join(folder, "trees", `${commit}.json`);

/** The files of a commit that was listed before; undefined where there is no list, or one of another form. */
export function readTree(folder: string, commit: string): ReadonlyMap<string, RepoFile> | undefined {
  try {
    const { format_version, files } = JSON.parse(readFileSync(fileOf(folder, commit), "utf8")) as Stored;
    if (format_version !== 1) return undefined;
    return new Map(Object.entries(files).map(([path, { size, blob_id, lfs_sha256 }]) => [path, { size, blobId: blob_id, sha256: lfs_sha256 }])); // biome-ignore format: one thought
  } catch {
    return undefined;
  }
}

/** Keeps a commit's list of files, where it is whole. What a system refuses here is no loss: the list is asked for again. */
export function writeTree(folder: string, commit: string, files: ReadonlyMap<string, Partial<RepoFile>>): void {
  const entries = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.some(([, { size, blobId }]) => size === undefined || blobId === undefined)) return;
  const stored = entries.map(([path, { size, blobId, sha256 }]) => [path, { size, blob_id: blobId, ...(sha256 && { lfs_sha256: sha256, lfs_size: size }) }]); // biome-ignore format: one thought
  const file = fileOf(folder, commit);
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileAtomic.sync(file, JSON.stringify({ format_version: 1, files: Object.fromEntries(stored) }, null, 1));
  } catch {
    // a cache that may only be read
  }
}
