import { takeNative } from "../native/takeNative.ts";

/** Gives words back to who made them. */
const givers = new WeakMap<Uint16Array, () => void>();

/** Memory for 16-bit words, holding anything: the native engine's own where it runs, which is used again once `giveWords` gave it back, as a tensor's is by its dispose. */
export function takeWords(length: number): Uint16Array {
  const native = takeNative(2 * length);
  if (native === undefined) return new Uint16Array(length);
  const words = new Uint16Array(native.bytes.buffer, 0, length);
  givers.set(words, native.give);
  return words;
}

/** Gives back what `takeWords` gave; nobody may read it from then on. A second time is no harm. */
export function giveWords(words: Uint16Array): void {
  givers.get(words)?.();
  givers.delete(words);
}
