import { copyFileSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { dirname, relative } from "node:path";

/**
 * Puts a blob into a snapshot, in one step: as a relative link, as huggingface_hub does; where links cannot be made (Windows without the right to, HF_HUB_DISABLE_SYMLINKS) the blob
 * itself if it was just fetched, else a copy.
 */
export function placeFile(blob: string, pointer: string, { symlinks, fresh }: { symlinks: boolean; fresh: boolean }): void {
  mkdirSync(dirname(pointer), { recursive: true });
  const aside = `${pointer}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  try {
    if (!(symlinks && link(relative(dirname(pointer), blob), aside))) (fresh ? renameSync : copyFileSync)(blob, aside);
    renameSync(aside, pointer);
  } finally {
    rmSync(aside, { force: true });
  }
} // biome-ignore format: long lines

function link(target: string, place: string): boolean {
  try {
    symlinkSync(target, place, "file");
    return true;
  } catch (error) {
    if (["EPERM", "EACCES", "ENOSYS", "ENOTSUP", "EINVAL", "UNKNOWN"].includes((error as NodeJS.ErrnoException).code ?? "")) return false; // biome-ignore format: one thought
    throw error;
  }
}
