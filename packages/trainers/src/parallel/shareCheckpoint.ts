import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Communicator } from "./Communicator.ts";
import { gather } from "./gather.ts";
import { onRoot } from "./together.ts";

/** A checkpoint where this rank can read it. */
export interface LocalCheckpoint {
  /** Undefined where the run has none. */
  folder?: string;
  /** Takes a copy away. */
  release(): void;
}

/**
 * A checkpoint of the first rank, for all: where a rank does not see its folder, as on a machine without the shared file system, it gets a copy in its own temporary folder.
 * @param folder  on the first rank; elsewhere it is not looked at    @throws EtalonError PEER, IO
 */
export async function shareCheckpoint(communicator: Communicator, folder?: string): Promise<LocalCheckpoint> {
  const nothing = { release: () => undefined };
  if (communicator.size === 1) return { folder, ...nothing };
  const origin = await onRoot(communicator, () => (folder === undefined ? null : { folder, files: filesOf(folder) }));
  if (origin === null) return nothing;
  const sees = communicator.rank === 0 || origin.files.every((file) => isSame(origin.folder, file));
  const needed = (await gather(communicator, sees)).includes(false);
  if (!needed) return { folder: origin.folder, ...nothing };
  const place = sees ? undefined : mkdtempSync(join(tmpdir(), "etalon-checkpoint-"));
  for (const { name, size } of origin.files) {
    const bytes = communicator.rank === 0 ? readFileSync(join(origin.folder, name)) : new Uint8Array(size);
    await communicator.broadcast(bytes);
    if (place === undefined) continue;
    mkdirSync(dirname(join(place, name)), { recursive: true });
    writeFileSync(join(place, name), bytes);
  }
  if (place === undefined) return { folder: origin.folder, ...nothing };
  return { folder: place, release: () => rmSync(place, { recursive: true, force: true }) };
}

interface StoredFile {
  name: string;
  size: number;
  /** Of small files: state.json tells one checkpoint from another. */
  digest?: string;
}

const filesOf = (folder: string): StoredFile[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length + 1))
    .sort()
    .map((name) => ({ name, ...about(join(folder, name)) }));

function isSame(folder: string, { name, size, digest }: StoredFile): boolean {
  const file = join(folder, name);
  if (!existsSync(file)) return false;
  const here = about(file);
  return here.size === size && here.digest === digest;
}

function about(file: string): { size: number; digest?: string } {
  const { size } = statSync(file);
  const small = size <= 1 << 20;
  return { size, digest: small ? createHash("sha256").update(readFileSync(file)).digest("hex") : undefined };
}
