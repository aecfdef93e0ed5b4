import { createHash, type Hash } from "node:crypto";
import { constants, copyFileSync, createReadStream, existsSync, renameSync, rmSync, statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { EtalonError } from "@etalon/errors";
import { aborted, cut, type HubClient } from "./HubClient.ts";
import type { Wanted } from "./hubErrors.ts";
import { TemporaryFailure } from "./TemporaryFailure.ts";

/** A file's content, as it is fetched. */
export interface BlobOptions {
  client: HubClient;
  address: string;
  wanted: Wanted & { file: string };
  /** Where it goes: blobs/<etag>. */
  blob: string;
  size?: number;
  /** What its bytes must come to. */
  hash?: { kind: "sha256" | "git"; value: string };
  timeout: number;
  signal?: AbortSignal;
  /** Bytes of it that are here now. */
  onBytes(bytes: number): void;
}

/** Bytes of a blob that came before. */
export const bytesOf = (blob: string): number => [partial(blob), foreign(blob)].map((file) => statSync(file, { throwIfNoEntry: false })?.size).find((size) => size !== undefined) ?? 0; // biome-ignore format: one thought

/** Ours, and what hub clients before huggingface_hub 2.0 leave behind; theirs is copied, never written to: such a client may be at work on it. */
const partial = (blob: string) => `${blob}.etalon.incomplete`;
const foreign = (blob: string) => `${blob}.incomplete`;

/**
 * Fetches a blob: goes on where an earlier try was cut, checks size and hash, and puts it in place in one step. A file whose bytes are wrong is fetched once more from its start.
 * @throws EtalonError BAD_FILE: wrong bytes twice; IO: the disk, or the network after all tries; ABORTED. What came so far stays for the next time.
 */
export async function fetchBlob(options: BlobOptions): Promise<void> {
  const { blob, wanted } = options;
  const file = partial(blob);
  if (!existsSync(file) && existsSync(foreign(blob))) copyFileSync(foreign(blob), file, constants.COPYFILE_FICLONE);
  for (let attempt = 0; ; attempt++) {
    const wrong = await fetchOnce(file, options);
    if (wrong === undefined) break;
    rmSync(file, { force: true });
    options.onBytes(0);
    if (attempt > 0) throw new EtalonError("BAD_FILE", { argument: wanted.file, value: wrong }, { message: `${wanted.file} of ${wanted.repo} at ${wanted.revision} came with ${wrong}, twice; nothing of it was kept.` }); // biome-ignore format: one thought
  }
  renameSync(file, blob);
  dropForeign(blob);
}

/** Fetches what is missing, then looks at all of it; what is wrong with it, in words. */
async function fetchOnce(file: string, options: BlobOptions): Promise<string | undefined> {
  const { client, size, hash, onBytes } = options;
  const handle = await open(file, "a+");
  try {
    let have = (await handle.stat()).size;
    if (size === undefined || have > size) {
      await handle.truncate(0);
      have = 0;
    }
    const state = { have, sum: hash && startHash(hash.kind, size) };
    if (state.sum && have > 0) for await (const chunk of createReadStream(file, { end: have - 1 })) state.sum.update(chunk);
    onBytes(state.have);
    if (size === undefined || state.have < size) await client.again(() => transfer(handle, state, options), () => state.have);
    await handle.sync();
    if (size !== undefined && state.have !== size) return `${state.have} bytes, not ${size}`;
    const found = state.sum?.digest("hex");
    return hash && found !== hash.value ? `other bytes: its ${hash.kind === "git" ? "git hash" : "sha256"} is ${found}, not ${hash.value}` : undefined;
  } finally {
    await handle.close();
  }
} // biome-ignore format: long lines

interface State {
  have: number;
  sum: Hash | undefined;
}

/** One answer's bytes, appended; from the file's start where the server gives no part. */
async function transfer(handle: FileHandle, state: State, { client, address, wanted, size, hash, timeout, signal, onBytes }: BlobOptions): Promise<void> {
  const from = state.have;
  const { response } = await client.request("GET", address, wanted, from > 0 ? { range: `bytes=${from}-` } : {});
  if (from > 0 && !startsAt(response, from)) {
    await handle.truncate(0);
    state.have = 0;
    state.sum = hash && startHash(hash.kind, size);
    if (response.status === 206) {
      await response.body?.cancel();
      throw new TemporaryFailure(`${address} gave another part than it was asked for`);
    }
  }
  const reader = response.body?.getReader();
  try {
    for (;;) {
      const chunk = reader && (await cut(within(timeout, reader.read())));
      if (chunk?.value === undefined) break;
      await handle.appendFile(chunk.value);
      state.sum?.update(chunk.value);
      state.have += chunk.value.length;
      onBytes(state.have);
      if (signal?.aborted) throw aborted();
      if (size !== undefined && state.have > size) return; // the size is looked at by the caller
    }
  } finally {
    reader?.cancel().catch(() => {});
  }
  if (size !== undefined && state.have < size) throw new TemporaryFailure(`the connection ended after ${state.have} of ${size} bytes`);
} // biome-ignore format: long lines

const startsAt = ({ status, headers }: Response, from: number): boolean => status === 206 && (headers.get("content-range")?.startsWith(`bytes ${from}-`) ?? false); // biome-ignore format: one thought

function startHash(kind: "sha256" | "git", size: number | undefined): Hash {
  return kind === "sha256" ? createHash("sha256") : createHash("sha1").update(`blob ${size}\0`);
}

async function within<T>(ms: number, reading: Promise<T>): Promise<T> {
  let clock: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    clock = setTimeout(() => reject(new Error(`no byte in ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([reading, late]);
  } finally {
    clearTimeout(clock);
  }
}

/** An older client's part of the file is of no use any more, where nobody has written to it for a minute. */
function dropForeign(blob: string): void {
  const left = statSync(foreign(blob), { throwIfNoEntry: false });
  if (left && Date.now() - left.mtimeMs > 60_000) rmSync(foreign(blob), { force: true });
}
