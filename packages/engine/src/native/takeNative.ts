import { tf } from "../tf.ts";
import { NativeBackend } from "./NativeBackend.ts";

/** Bytes of the native engine's pool, and how they are given back; undefined where another engine runs. @throws EtalonError UNSUPPORTED: out of memory */
export function takeNative(length: number): { bytes: Uint8Array; give: () => void } | undefined {
  const backend = tf.backend();
  if (!(backend instanceof NativeBackend)) return undefined;
  const bytes = backend.pool.take("bool", length) as Uint8Array;
  return { bytes, give: () => backend.pool.give(bytes) };
}
