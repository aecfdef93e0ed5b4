let depth = 0;

/** Whether files are brought to the disk as they are written; off within `unsynced`. */
export const isSynced = (): boolean => depth === 0;

/**
 * Runs something that writes safetensors files, and leaves bringing them to the disk (fsync) to the caller: who writes several files into a folder of its own can
 * do that for all of them, later, and on another thread. Each file is still written aside and renamed.
 * @param write  not async: what it does after its first `await` is brought to the disk as ever
 */
export function unsynced<T>(write: () => T): T {
  depth++;
  try {
    return write();
  } finally {
    depth--;
  }
}
