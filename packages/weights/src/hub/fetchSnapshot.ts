import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { EtalonError } from "@etalon/errors";
import writeFileAtomic from "write-file-atomic";
import { type Choice, chosenFiles, isWhole } from "./cachedSnapshot.ts";
import { bytesOf, fetchBlob } from "./fetchBlob.ts";
import { aborted, type HubClient } from "./HubClient.ts";
import { listRepo, type RepoListing } from "./listRepo.ts";
import { lockFile } from "./lockFile.ts";
import { placeFile } from "./placeFile.ts";
import { writeTree } from "./treeCache.ts";

/** How far a download has come, in bytes of all its files; those that are there already count as done. */
export interface FetchProgress {
  done: number;
  total: number;
  /** The file that bytes came for last. */
  file: string;
}

/** What fetching needs beside the client. */
export interface FetchOptions {
  /** The folder of the locks. */
  locks: string;
  symlinks: boolean;
  timeout: number;
  signal?: AbortSignal;
  onProgress(progress: FetchProgress): void;
  onNote(note: string): void;
  /** The cache's copy of the revision, for when the hub is not reached. */
  fallback?: string;
}

/** Files that are fetched at once, and that are asked about at once. */
const [mostTransfers, mostQuestions] = [4, 8];

/** One file on its way. */
interface Item {
  path: string;
  address: string;
  pointer: string;
  blob: string;
  etag: string;
  size?: number;
  hash?: { kind: "sha256" | "git"; value: string };
}

/** Fetches what a choice comes to and is not there yet, and gives the snapshot's folder. The branch's or tag's name is set to its commit last, when all is in place. */
export async function fetchSnapshot(client: HubClient, choice: Choice, options: FetchOptions): Promise<string> {
  const { repo, revision, folder } = choice;
  let listing: RepoListing;
  try {
    // Where there is a copy to fall back on nobody waits long for a hub that does not answer.
    listing = await listRepo(options.fallback === undefined ? client : client.withAttempts(1), repo, revision);
  } catch (error) {
    if (options.fallback === undefined || !(EtalonError.is(error) && error.code === "IO")) throw error;
    options.onNote(`${error.message} The copy in the cache is used: ${options.fallback}`);
    return options.fallback;
  }
  const { commit, files } = listing;
  const place = join(folder, "snapshots", commit);
  await onDisk(folder, async () => {
    for (const name of [join(folder, "blobs"), place, options.locks]) mkdirSync(name, { recursive: true });
    writeTree(folder, commit, files);
  });
  const run = { client, choice, listing, place, options };
  const wanted = await chosenFiles(choice, [...files.keys()], async (path) => {
    await fetchFiles(run, [path], false);
    return readFileSync(join(place, path), "utf8");
  });
  await fetchFiles(run, wanted, true);
  if (revision !== commit) {
    const ref = join(folder, "refs", revision);
    await onDisk(ref, async () => {
      if (existsSync(ref) && readFileSync(ref, "utf8") === commit) return;
      mkdirSync(dirname(ref), { recursive: true });
      writeFileAtomic.sync(ref, commit);
    });
  }
  return place;
}

interface Run {
  client: HubClient;
  choice: Choice;
  listing: RepoListing;
  place: string;
  options: FetchOptions;
}

/** Fetches those of some files that are not in the snapshot. @param tell  whether progress is told */
async function fetchFiles(run: Run, paths: readonly string[], tell: boolean): Promise<void> {
  const { listing, place, options } = run;
  const missing = paths.filter((path) => !isWhole(join(place, path), listing.files.get(path)?.size));
  const items = await inTurn(missing, mostQuestions, (path) => ask(run, path));
  const sizes = new Map(paths.map((path) => [path, listing.files.get(path)?.size ?? 0]));
  for (const { path, size = 0 } of items) sizes.set(path, size);
  const total = [...sizes.values()].reduce((a, b) => a + b, 0);
  const missed = items.reduce((sum, { size = 0 }) => sum + size, 0);
  const have = new Map<string, number>();
  const report = (path: string, bytes: number) => {
    have.set(path, bytes);
    if (tell) options.onProgress({ done: total - missed + [...have.values()].reduce((a, b) => a + b, 0), total, file: path });
  };
  checkSpace(run.choice.folder, items);
  if (tell) options.onProgress({ done: total - missed, total, file: paths[0] });
  await inTurn(items, mostTransfers, async (item) => {
    await onDisk(item.pointer, () => fetchItem(run, item, (bytes) => report(item.path, bytes)));
    report(item.path, item.size ?? 0);
  });
} // biome-ignore format: long lines

/** Asks the hub what a file's content is. */
async function ask({ client, choice, listing, place }: Run, path: string): Promise<Item> {
  const { repo, revision, folder } = choice;
  const address = `${client.endpoint}/${repo}/resolve/${listing.commit}/${path.split("/").map(encodeURIComponent).join("/")}`; // biome-ignore format: one thought
  const wanted = { repo, revision, file: path };
  const { etag, size } = await client.again(() => client.request("HEAD", address, wanted));
  const listed = listing.files.get(path);
  const name = etag ?? listed?.sha256 ?? listed?.blobId;
  if (name === undefined || !/^[\w.-]{1,200}$/.test(name) || /^\.+$/.test(name)) throw new EtalonError("IO", { argument: path, value: name }, { message: `The hub did not tell the hash of ${path} of ${repo} (ETag ${JSON.stringify(name)}).` }); // biome-ignore format: one thought
  const bytes = size ?? listed?.size;
  const hash = hashIn(name, bytes !== undefined && name === listed?.blobId);
  return {
    path,
    address,
    pointer: join(place, path),
    blob: join(folder, "blobs", name),
    etag: name,
    size: bytes,
    hash,
  };
}

/** What a file's ETag says of its bytes. 64 signs are a sha256; 40 are git's hash where the list of files says so too. */
function hashIn(etag: string, isListed: boolean): Item["hash"] {
  if (/^[0-9a-f]{64}$/.test(etag)) return { kind: "sha256", value: etag };
  return isListed && /^[0-9a-f]{40}$/.test(etag) ? { kind: "git", value: etag } : undefined;
}

/** Fetches a file's content unless the cache has it, with the other processes kept out, and puts it into the snapshot. */
async function fetchItem(
  { client, choice, options }: Run,
  item: Item,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const { repo, revision } = choice;
  const { pointer, blob, size, etag, path } = item;
  const { signal, timeout, symlinks } = options;
  const waiting = () => options.onNote(`Another download has ${path} of ${repo} in hand: waiting for it.`);
  const unlock = await lockFile(join(options.locks, `${etag}.etalon.lock`), { signal, waiting }).catch((error) => {
    throw signal?.aborted ? aborted() : error;
  });
  try {
    if (isWhole(pointer, size)) return;
    if (existsSync(blob) && !isWhole(blob, size)) rmSync(blob);
    const fresh = !existsSync(blob);
    if (fresh) await fetchBlob({ client, wanted: { repo, revision, file: path }, timeout, signal, onBytes, ...item });
    placeFile(blob, pointer, { symlinks, fresh });
  } finally {
    unlock();
  }
}

/** @throws EtalonError IO: the disk has less room than is needed */
function checkSpace(folder: string, items: readonly Item[]): void {
  const missing = items.filter(({ blob, size }) => !isWhole(blob, size));
  const needed = missing.reduce((sum, { blob, size = 0 }) => sum + Math.max(0, size - bytesOf(blob)), 0);
  let free: number;
  try {
    const { bavail, bsize, blocks } = statfsSync(folder);
    free = blocks === 0 ? Number.POSITIVE_INFINITY : bavail * bsize;
  } catch {
    return; // a file system that does not tell
  }
  if (needed > free) throw new EtalonError("IO", { argument: "file", value: folder }, { message: `The disk of ${folder} is too full: ${megabytes(needed)} MB are needed, ${megabytes(free)} MB are free. HF_HUB_CACHE names another place.` }); // biome-ignore format: one thought
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

/** What the system refuses becomes an error that names the place and says what to do. */
async function onDisk<T>(file: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    if (EtalonError.is(cause) || typeof (cause as NodeJS.ErrnoException).syscall !== "string") throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === "ENOSPC" || code === "EDQUOT" ? "The disk is full; what came so far stays, and the next time goes on from it." : `${message}.`; // biome-ignore format: one thought
    throw new EtalonError("IO", { argument: "file", value: file }, { message: `${file} could not be written (${code}). ${why}`, cause }); // biome-ignore format: one thought
  }
}

/** Does something for each item, so many at once; the first failure is thrown when those at work have ended. */
async function inTurn<T, R>(items: readonly T[], most: number, act: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  let failure: { error: unknown } | undefined;
  const work = async () => {
    while (next < items.length && failure === undefined) {
      const i = next++;
      try {
        results[i] = await act(items[i]);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, work));
  if (failure) throw failure.error;
  return results;
}
